import '../shared/theme.css';
import './training.css';
import type { HostToTraining, TrainingToHost } from '../protocol';
import { connectHost } from '../shared/host';
import { MARKS } from './marks';
import { TrainingView } from './view';
import type { ViewState } from './view-state';

performance.mark(MARKS.started);
const host = connectHost<HostToTraining, TrainingToHost, ViewState>();
const view = new TrainingView(document.getElementById('view')!, host);
host.listen((message) => view.receive(message));
host.post({ type: 'ready' });
