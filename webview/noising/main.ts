import '../shared/theme.css';
import './noising.css';
import type { HostToNoising, NoisingToHost } from '../protocol';
import { connectHost } from '../shared/host';
import type { NoisingState } from './state';
import { NoisingView } from './view';

const host = connectHost<HostToNoising, NoisingToHost, NoisingState>();
const root = document.getElementById('view')!;
let view: NoisingView | null = null;

host.listen((message) => {
  switch (message.type) {
    case 'hydrate': {
      const first: NoisingState = {
        paths: [],
        selected: null,
        t: Math.round(message.schedule.timesteps / 4),
        mode: 'closed',
        schedule: message.schedule,
        seed: message.seed,
        size: null,
        channels: null,
        model: null,
      };
      view ??= new NoisingView(root, host, { ...first, ...host.state });
      view.setHealth(message.health);
      return view.setImages(message.images);
    }
    case 'engine':
      return view?.setHealth(message.health);
    case 'image':
      return view?.setImage(message.image);
    case 'models':
      return view?.card.setModels(message.models);
    case 'chosen':
      return view?.look(message.model);
    case 'denoising':
      view?.card.receive(message);
      requestAnimationFrame(() => host.post({ type: 'ack', seq: message.seq }));
      return;
    case 'seen':
    case 'denoised':
    case 'notDenoised':
      return view?.card.receive(message);
    case 'notice':
      return view?.tell('info', message.message);
    case 'failed':
      return view?.tell('error', message.message);
    default:
      message satisfies never;
  }
});

host.post({ type: 'ready' });
