import * as vscode from 'vscode';
import type { DevicesResult } from '../../engine/protocol';
import type { CommandContext } from './command';

interface DeviceItem extends vscode.QuickPickItem {
  readonly device: string | null;
}

/** Tries every device for real, with a progress that can be cancelled. */
export function tryDevices({ engine }: CommandContext): Promise<DevicesResult> {
  return Promise.resolve(
    vscode.window.withProgress(
      {
        location: vscode.ProgressLocation.Notification,
        title: 'Trying the devices of this machine',
        cancellable: true,
      },
      (_, token) => engine.request('devices', undefined, { signal: signalOf(token) }),
    ),
  );
}

/** Lets the user choose what computes: each device with its time, or with why it does not work. */
export async function selectDevice(context: CommandContext): Promise<void> {
  const found = await tryDevices(context);
  const current = context.settings.device;
  const chosen = await vscode.window.showQuickPick(deviceItems(found, current), {
    title: 'Select Device',
    placeHolder: `What should compute? Now: ${current}`,
    matchOnDetail: true,
  });
  if (!chosen) throw new vscode.CancellationError();
  if (chosen.device === null) return;
  await setDevice(chosen.device);
}

/** Writes the setting where its present value comes from: elsewhere it would change nothing. */
export async function setDevice(device: string): Promise<void> {
  const settings = vscode.workspace.getConfiguration('diffusion');
  const given = settings.inspect<string>('device');
  const isOfWorkspace = given?.workspaceValue !== undefined;
  await settings.update(
    'device',
    device,
    isOfWorkspace ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global,
  );
}

/** An aborted signal for a cancelled token. */
export function signalOf(token: vscode.CancellationToken): AbortSignal {
  const controller = new AbortController();
  token.onCancellationRequested(() => controller.abort());
  return controller.signal;
}

function deviceItems({ reports, auto }: DevicesResult, current: string): DeviceItem[] {
  const mark = (device: string) => (device === current ? '$(check) ' : '');
  const working = reports.filter(({ works }) => works);
  const others = reports.filter(({ works }) => !works);
  const choices = [
    {
      device: 'auto',
      label: `${mark('auto')}auto`,
      description: auto === null ? 'nothing works' : `takes ${auto}`,
      detail: 'The fastest device that computes right.',
    },
    ...working.map(({ name, milliseconds }) => ({
      device: name,
      label: `${mark(name)}${name}`,
      description: `works: ${milliseconds!.toFixed(1)} ms for the trial`,
    })),
  ];
  const isCurrent = ({ device }: DeviceItem) => device === current;
  return [
    // The first is where the list begins: accepting it changes nothing.
    ...choices.filter(isCurrent),
    ...choices.filter((item) => !isCurrent(item)),
    ...(others.length === 0
      ? []
      : [
          {
            device: null,
            label: 'Do not work here',
            kind: vscode.QuickPickItemKind.Separator,
          },
        ]),
    ...others.map(({ name, reason }) => ({
      device: null,
      label: `$(circle-slash) ${name}`,
      detail: reason ?? '',
    })),
  ];
}
