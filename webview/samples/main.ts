import '../shared/theme.css';
import './samples.css';
import type { HostToSamples, SamplesToHost } from '../protocol';
import { connectHost } from '../shared/host';
import type { SamplesState } from './state';
import { SamplesView } from './view';

const host = connectHost<HostToSamples, SamplesToHost, SamplesState>();
const root = document.getElementById('view')!;
let view: SamplesView | null = null;

host.listen((message) => {
  if (message.type === 'hydrate') {
    const first: SamplesState = {
      form: message.form,
      compared: [],
      part: 'xt',
      position: null,
      enlarged: null,
      weights: {},
    };
    view ??= new SamplesView(root, host, { ...first, ...host.state });
    return view.hydrate(message);
  }
  if (view) receive(view, message);
});

function receive(shown: SamplesView, message: Exclude<HostToSamples, { type: 'hydrate' }>): void {
  switch (message.type) {
    case 'engine':
      return shown.setHealth(message.health);
    case 'models':
      return shown.setModels(message.models);
    case 'facts':
      return shown.setFacts(message.model, message);
    case 'wish':
      return shown.grant(message.wish);
    case 'trying':
      return shown.setTrying(message.isTrying);
    case 'rows':
      return shown.setRows(message.rows);
    case 'row':
      return shown.setRow(message.row);
    case 'frame':
      shown.shown.setFrame(message.frame);
      requestAnimationFrame(() => host.post({ type: 'ack', seq: message.seq }));
      return;
    case 'frames':
      return shown.shown.setFrames(message.frames);
    case 'framesGone':
      shown.shown.framesGone(message.job);
      return shown.tell('warning', `The steps cannot be shown. ${message.message}`);
    case 'dropped':
      return void shown.restore(message.name, message.bytes);
    case 'notice':
      return shown.tell('info', message.message);
    case 'failed':
      return shown.tell('error', message.message);
    default:
      message satisfies never;
  }
}

host.post({ type: 'ready' });
