import type { EngineHealth } from '../../../webview/protocol';
import type { DevicesResult, EngineInfo, TrainingStatus } from '../../engine/protocol';
import { plain } from '../format';
import { standingText } from '../status-text';

/** What the report is made from. */
export interface DoctorFacts {
  /** Or why they could not be tried. */
  readonly devices: DevicesResult | string;
  readonly health: EngineHealth;
  readonly engine: EngineInfo | null;
  readonly training: TrainingStatus | null;
  readonly logFile: string;
  readonly settings: {
    readonly device: string;
    readonly threads: number | null;
    readonly defaultThreads: number;
    readonly whenWindowCloses: string;
    readonly runsFolders: readonly string[];
  };
  readonly runs: number;
  readonly isTrusted: boolean;
  readonly machine: {
    readonly system: string;
    readonly processor: string;
    readonly cores: number;
    readonly memory: string;
    readonly freeMemory: string;
    readonly editor: string;
    /** Kind of the remote that the extension runs on, or null. */
    readonly remote: string | null;
    readonly node: string;
  };
}

/** The state of everything, as a Markdown document. */
export function doctorReport(facts: DoctorFacts): string {
  const sections = [
    '# Diffusion Doctor',
    verdict(facts),
    '## Devices',
    devices(facts.devices),
    '## Engine',
    table(engineRows(facts)),
    '## Settings',
    table(settingRows(facts)),
    '## Machine',
    table(machineRows(facts)),
  ];
  return `${sections.join('\n\n')}\n`;
}

/** The first thing to know. */
function verdict({ devices: found, settings, isTrusted }: DoctorFacts): string {
  if (typeof found === 'string') return `**The devices could not be tried.** ${plain(found)}`;
  if (found.auto === null) return '**No device works here**, so nothing can be trained or drawn.';
  const chosen = found.reports.find(({ name }) => name === settings.device);
  if (chosen && !chosen.works) {
    return (
      `**The setting \`diffusion.device\` is ${chosen.name}, which does not work here**: ` +
      `${plain(chosen.reason ?? '')}. Choose another by *Diffusion: Select Device*.`
    );
  }
  const device = settings.device === 'auto' ? found.auto : settings.device;
  const trust = isTrusted ? '' : ' Training is off until this workspace is trusted.';
  return `**All is well.** Training and sampling use ${device}.${trust}`;
}

function devices(found: DevicesResult | string): string {
  if (typeof found === 'string') return plain(found);
  const rows = found.reports.map(({ name, works, reason, milliseconds }) => {
    const answer = works
      ? `works, ${milliseconds!.toFixed(1)} ms for the trial`
      : plain(reason ?? '');
    const mark = name === found.auto ? ' (taken by auto)' : '';
    return `| ${name}${mark} | ${works ? 'yes' : 'no'} | ${answer} |`;
  });
  return ['| Device | Works | |', '|:--|:--|:--|', ...rows].join('\n');
}

type Row = readonly [string, string | null];

function engineRows({ health, engine, training, logFile, devices: found }: DoctorFacts): Row[] {
  const versions = typeof found === 'string' ? engine?.versions : found.versions;
  const isTraining = training && !['finished', 'stopped', 'failed'].includes(training.state);
  return [
    ['State', health.state],
    ['Message', health.message],
    ['Process', engine && String(engine.pid)],
    ...Object.entries(versions ?? {}),
    [
      'Training',
      isTraining ? `${training.name}: ${training.state}, ${standingText(training)}` : 'none',
    ],
    ['Log', logFile],
  ];
}

function settingRows({ settings, runs }: DoctorFacts): Row[] {
  const { device, threads, defaultThreads, whenWindowCloses, runsFolders } = settings;
  return [
    ['diffusion.device', device],
    ['diffusion.threads', threads === null ? `${defaultThreads}, all cores but one` : `${threads}`],
    ['diffusion.whenWindowCloses', whenWindowCloses],
    ['Runs are kept in', runsFolders.join(', ')],
    ['Runs there', String(runs)],
  ];
}

function machineRows({ machine }: DoctorFacts): Row[] {
  return [
    ['System', machine.system],
    ['Processor', `${machine.processor}, ${machine.cores} cores`],
    ['Memory', `${machine.memory}, ${machine.freeMemory} free`],
    ['Editor', machine.editor],
    ['Remote', machine.remote],
    ['Extension host', `Node ${machine.node}`],
  ];
}

function table(rows: readonly Row[]): string {
  const lines = rows
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `| ${plain(name)} | ${plain(value!)} |`);
  return ['| | |', '|:--|:--|', ...lines].join('\n');
}
