import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json';
import { DEVICES } from '../core/config/training-config';

const { contributes } = manifest;
const declared = new Set(contributes.commands.map(({ command }) => command));
const source = (file: string) => readFileSync(path.join(import.meta.dirname, file), 'utf8');
const found = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, id]) => id!);

/** Conditions of everything that is shown under some. */
const conditions = [
  ...contributes.commands.map((command) => ('enablement' in command ? command.enablement : '')),
  ...Object.values(contributes.menus).flatMap((items) => items.map(({ when }) => when)),
  ...contributes.viewsWelcome.map(({ when }) => when),
  ...contributes.keybindings.map(({ when }) => when),
].filter((when) => when !== undefined);

describe('The manifest', () => {
  it('declares the commands of the table, and no others', () => {
    const table = found(source('commands.ts'), /^ {2}'(diffusion\.\w+)': \{/gm);
    expect([...declared].sort()).toEqual(table.sort());
  });

  it('wakes in every window, wherever its runs lie, and for its views', () => {
    const views = ['training', 'samples', 'noising'];
    expect(manifest.activationEvents).toEqual([
      'onStartupFinished',
      ...views.map((view) => `onWebviewPanel:diffusion.${view}`),
    ]);
  });

  it('has in menus, keys and welcomes only commands that are declared', () => {
    const inMenus = Object.values(contributes.menus).flatMap((items) =>
      items.map(({ command }) => command),
    );
    const inWelcomes = contributes.viewsWelcome
      .flatMap(({ contents }) => found(contents, /\(command:([\w.]+)/g))
      .filter((id) => id.startsWith('diffusion.'));
    const inKeys = contributes.keybindings.map(({ command }) => command);
    for (const id of [...inMenus, ...inWelcomes, ...inKeys]) expect(declared).toContain(id);
  });

  it('asks only for context keys that the extension sets', () => {
    const code = ['training-watch.ts', 'runs-model.ts'].map(source).join('');
    const set = new Set(found(code, /'setContext', '(diffusion\.\w+)'/g));
    const asked = new Set(conditions.flatMap((when) => found(when, /(diffusion\.\w+)/g)));
    asked.delete('diffusion.checkpoints'); // the view
    expect([...asked].sort()).toEqual([...set].sort());
  });

  it('declares the settings that the extension reads, each with a description', () => {
    const properties: Record<string, object> = contributes.configuration.properties;
    const read = found(source('settings.ts'), /get(?:<[^(]+>)?\('(\w+)'\)/g);
    expect(Object.keys(properties).sort()).toEqual(
      [...new Set(read)].map((key) => `diffusion.${key}`).sort(),
    );
    for (const [key, property] of Object.entries(properties)) {
      const has = 'description' in property || 'markdownDescription' in property;
      expect(has, `${key} has a description`).toBe(true);
      expect(property, key).toHaveProperty('scope');
    }
  });

  it('restricts only settings that there are', () => {
    const { restrictedConfigurations } = manifest.capabilities.untrustedWorkspaces;
    expect(Object.keys(contributes.configuration.properties)).toEqual(
      expect.arrayContaining(restrictedConfigurations),
    );
  });

  it('offers the devices that the core knows', () => {
    const { enum: devices, markdownEnumDescriptions } =
      contributes.configuration.properties['diffusion.device'];
    expect(devices).toEqual([...DEVICES]);
    expect(markdownEnumDescriptions).toHaveLength(devices.length);
  });

  it('offers forward noising on the images that the core decodes, and on no other files', () => {
    const scan = readFileSync(
      path.join(import.meta.dirname, '../core/data/folder-scan.ts'),
      'utf8',
    );
    const endings = /const EXTENSIONS = \/\\\.\(([^)]+\)?[^)]*)\)\$\/i/.exec(scan)![1];
    const noising = Object.values(contributes.menus)
      .flat()
      .filter(({ command }) => command === 'diffusion.showForwardNoising');
    expect(noising).toHaveLength(3);
    for (const { when } of noising) expect(when).toContain(`^\\.(${endings})$/i`);
    const list = /IMAGE_ENDINGS = \[([^\]]+)\]/.exec(source('commands/models.ts'))![1]!;
    // Each "x?" is there, or is not.
    const spelt = endings!.split('|').flatMap((ending) => {
      const forms = [ending.replace('?', ''), ending.replace(/.\?/, '')];
      return ending.includes('?') ? forms : [ending];
    });
    expect(found(list, /'(\w+)'/g).sort()).toEqual(spelt.sort());
  });

  it('names files that are there', () => {
    const files = [
      manifest.icon,
      contributes.viewsContainers.activitybar[0]!.icon,
      contributes.views.diffusion[0]!.icon,
      contributes.jsonValidation[0]!.url,
    ];
    for (const file of files) {
      const place = path.resolve(import.meta.dirname, '../..', file);
      expect(readFileSync(place).length, file).toBeGreaterThan(0);
    }
  });
});
