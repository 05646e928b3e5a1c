import '../shared/theme.css';
import './safetensors.css';
import type { HostToSafetensors, SafetensorsToHost } from '../protocol';
import { connectHost } from '../shared/host';
import type { SafetensorsState } from './state';
import { SafetensorsView } from './view';

const host = connectHost<HostToSafetensors, SafetensorsToHost, SafetensorsState>();
const view = new SafetensorsView(document.getElementById('view')!, host);

host.listen((message) => {
  switch (message.type) {
    case 'hydrate':
      return view.hydrate(message);
    case 'summary':
      return view.setSummary(message.summary);
    case 'unreadable':
      return view.setUnreadable(message);
    case 'statistics':
    case 'notMeasured':
      return view.measured(message);
    case 'comparison':
      return view.setComparison(message.comparison);
    case 'engine':
      return;
    default:
      message satisfies never;
  }
});

host.post({ type: 'ready' });
