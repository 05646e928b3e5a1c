// What a VSIX for this platform has to hold, laid out in a folder.
import fs from 'node:fs';
import path from 'node:path';
import { ROOT } from './setup.mjs';

const PLATFORM = `${process.platform}-${process.arch}`;
/** Loaded at run time; everything else is in the bundles. */
const NATIVE = ['onnxruntime-node', 'sharp'];
const OWN = [
  ...['README.md', 'CHANGELOG.md', 'LICENSE', '.vscodeignore'],
  ...['media', 'dist', 'schemas', 'docs'],
];
const NOTICES = 'THIRD_PARTY_NOTICES.txt';
const PROCESSES = [
  'extension',
  'engine',
  'engine-compute',
  'cli',
  'data-worker',
  'device-probe',
  'tensorflow-install',
];
const VIEWS = ['training', 'samples', 'noising', 'safetensors'];
/** Parts of packages that are for their installation or for compilers. */
const UNUSED = {
  'onnxruntime-node': ['lib', 'script', 'bin'],
  'onnxruntime-common': ['lib', 'dist/esm'],
  sharp: ['src', 'install', 'lib'],
  semver: ['bin'],
};
/** The natives of one platform inside a package that brings those of all. */
const PLATFORM_PARTS = {
  'onnxruntime-node': [`bin/napi-v6/${process.platform}/${process.arch}`],
};
/** What a package's own package.json names, but only its installation needs. */
const INSTALLERS = { 'onnxruntime-node': ['adm-zip', 'global-agent'] };
/** A second copy of the library under a name that nothing loads. */
const DUPLICATE = /libonnxruntime\.\d+\.\d+\.\d+\.dylib$/;

function readJson(file) {
  return JSON.parse(fs.readFileSync(file, 'utf8'));
}

function packageFolder(name) {
  return path.join(ROOT, 'node_modules', ...name.split('/'));
}

/** A package's dependencies as far as they are needed and installed for this platform. */
function dependenciesOf(name) {
  const { dependencies = {}, optionalDependencies = {} } = readJson(
    path.join(packageFolder(name), 'package.json'),
  );
  const needed = Object.keys(dependencies).filter((each) => !INSTALLERS[name]?.includes(each));
  const optional = Object.keys(optionalDependencies).filter(
    (each) => each.includes(PLATFORM) && fs.existsSync(packageFolder(each)),
  );
  return [...needed, ...optional];
}

/** All packages that are shipped. */
function runtimePackages() {
  const found = new Set(NATIVE);
  for (const name of found) for (const each of dependenciesOf(name)) found.add(each);
  return [...found];
}

function copyPackage(name, target) {
  const source = packageFolder(name);
  const unused = (UNUSED[name] ?? []).map((part) => path.join(source, part));
  fs.cpSync(source, target, {
    recursive: true,
    filter: (file) => !unused.includes(file) && path.basename(file) !== 'node_modules',
  });
  for (const part of PLATFORM_PARTS[name] ?? []) {
    fs.cpSync(path.join(source, part), path.join(target, part), {
      recursive: true,
      filter: (file) => !DUPLICATE.test(file),
    });
  }
  const manifest = readJson(path.join(source, 'package.json'));
  const needed = Object.entries(manifest.dependencies ?? {}).filter(
    ([each]) => !INSTALLERS[name]?.includes(each),
  );
  manifest.dependencies = Object.fromEntries(needed);
  fs.writeFileSync(path.join(target, 'package.json'), JSON.stringify(manifest, null, 2));
}

/** The manifest without what only a clone needs. */
function shippedManifest() {
  const manifest = readJson(path.join(ROOT, 'package.json'));
  const dependencies = Object.fromEntries(
    NATIVE.map((name) => [name, manifest.dependencies[name]]),
  );
  return {
    ...manifest,
    dependencies,
    scripts: undefined,
    devDependencies: undefined,
    overrides: undefined,
  };
}

/** A package's name, version and licence, with the text of the licence where it brings one. */
function noticeOf(name) {
  const folder = packageFolder(name);
  const { version, license } = readJson(path.join(folder, 'package.json'));
  const file = fs.readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  const text = file ? fs.readFileSync(path.join(folder, file), 'utf8').trim() : '';
  return [`${name} ${version} (${license})`, text].filter(Boolean).join('\n\n');
}

/** What is owed to the authors of everything that is bundled or shipped. */
function notices() {
  const bundled = readJson(path.join(ROOT, 'dist', 'packages.json'));
  const names = [...new Set([...bundled, ...runtimePackages()])].sort();
  return `${names.map(noticeOf).join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

/** Files that have to be there, relative to the extension. */
function neededFiles(manifest) {
  const { icon, contributes } = manifest;
  return [
    'README.md',
    'CHANGELOG.md',
    'LICENSE',
    NOTICES,
    icon,
    ...contributes.viewsContainers.activitybar.map((container) => container.icon),
    ...contributes.jsonValidation.map(({ url }) => url),
    ...PROCESSES.map((name) => `dist/${name}.js`),
    ...VIEWS.flatMap((name) => [`dist/webview/${name}.js`, `dist/webview/${name}.css`]),
    `node_modules/onnxruntime-node/bin/napi-v6/${process.platform}/${process.arch}/onnxruntime_binding.node`,
    `node_modules/@img/sharp-${PLATFORM}/package.json`,
  ].filter((file) => file !== undefined);
}

/**
 * Lays out the extension and the packages that it needs on this platform.
 *
 * @throws naming the first file that is missing
 */
export function layOut(folder) {
  const manifest = shippedManifest();
  for (const name of OWN) {
    const source = path.join(ROOT, name);
    if (fs.existsSync(source)) fs.cpSync(source, path.join(folder, name), { recursive: true });
  }
  fs.writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
  fs.writeFileSync(path.join(folder, NOTICES), notices());
  for (const name of runtimePackages()) {
    copyPackage(name, path.join(folder, 'node_modules', ...name.split('/')));
  }
  const missing = neededFiles(manifest).find((file) => !fs.existsSync(path.join(folder, file)));
  if (missing) {
    throw new Error(`${missing} is missing: run npm ci and npm run build, and package again.`);
  }
  return manifest;
}
