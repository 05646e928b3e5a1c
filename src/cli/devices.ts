import type { Command } from 'commander';
import { fastestOf, probeDevice, type DeviceReport } from '../core/runtime/devices';
import { DEVICES } from '../core/runtime/runtime';
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

async function runDevices(options: CommonOptions): Promise<void> {
  const output = new Output(Boolean(options.json));
  const places = surroundings();
  const tell = (report: DeviceReport) => {
    output.event({ type: 'device', ...report });
    output.text(describe(report));
  };
  const reports: DeviceReport[] = [];
  for (const name of DEVICES) {
    const report = await probeDevice(name, places);
    reports.push(report);
    tell(report);
  }
  const chosen = fastestOf(reports);
  output.event({ type: 'done', auto: chosen?.name ?? null });
  output.text('', chosen ? `--device auto takes ${chosen.name}.` : 'No device works here.');
}

function describe({ name, works, reason, milliseconds }: DeviceReport): string {
  const { style } = openTerminal(process.stdout);
  const label = name.padEnd(11);
  if (!works) return `${style.dim('✗')} ${label}${style.dim(reason ?? '')}`;
  const time = milliseconds === null ? '' : `, ${milliseconds.toFixed(1)} ms`;
  return `${style.green('✓')} ${style.bold(label)}works${time}`;
}
