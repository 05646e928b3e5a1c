import type { Command } from 'commander';
import { chooseDevice, probeDevice, type DeviceReport } from '../core/runtime/devices';
import { openRuntime } from '../core/runtime/open';
import { DEVICES } from '../core/runtime/runtime';
import { oneLine } from '../core/base/files';
import { withCommonOptions, type CommonOptions } from './options';
import { Output } from './output';
import { surroundings } from './surroundings';
import { openTerminal } from './terminal';

const EXAMPLES = `
Each device is made to compute something in a process of its own, so that a
driver that crashes or hangs takes nothing with it. The time is that of the
trial: two products of 512×512 matrices.
`;

export function devicesCommand(program: Command): void {
  const command = program
    .command('devices')
    .description('Try every device for real: which work here, and why the others do not.');
  withCommonOptions(command, { quiet: false }).addHelpText('after', EXAMPLES).action(runDevices);
}

type NamedReport = Omit<DeviceReport, 'name'> & { readonly name: string };

async function runDevices(options: CommonOptions): Promise<void> {
  const output = new Output(Boolean(options.json));
  const { probeFile } = surroundings();
  const tell = (report: NamedReport) => {
    output.event({ type: 'device', ...report });
    output.text(describe(report));
  };
  for (const name of DEVICES) tell(await probeDevice(name, probeFile));
  tell(await tensorflowReport(probeFile));
  const chosen = await chooseDevice('auto', probeFile).catch(() => null);
  output.event({ type: 'done', auto: chosen?.device ?? null });
  output.text('', chosen ? `--device auto takes ${chosen.device}.` : 'No device works here.');
}

async function tensorflowReport(probeFile: string): Promise<NamedReport> {
  const reason = await openRuntime({ device: 'tensorflow', threads: 1, probeFile }).then(
    () => null,
    (error: unknown) => oneLine(error).replace(/^Device tensorflow /, ''),
  );
  return { name: 'tensorflow', works: reason === null, reason, milliseconds: null };
}

function describe({ name, works, reason, milliseconds }: NamedReport): string {
  const { style } = openTerminal(process.stdout);
  const label = name.padEnd(11);
  if (!works) return `${style.dim('✗')} ${label}${style.dim(reason ?? '')}`;
  const time = milliseconds === null ? '' : `, ${milliseconds.toFixed(1)} ms`;
  return `${style.green('✓')} ${style.bold(label)}works${time}`;
}
