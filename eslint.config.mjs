import path from 'node:path';
import tseslint from 'typescript-eslint';

/**
 * The house's layers: each folder under src/ (and webview/), or file in one, and what it may import
 * from. A file may always import from its own folder. Everything points one way.
 */
const LAYERS = {
  'core/base/number-text': [],
  'core/base': ['core/base/number-text'],
  'core/graph': ['core/base'],
  'core/runtime/tensorflow/install-protocol': [],
  'core/runtime': ['core/runtime/tensorflow/install-protocol', 'core/graph', 'core/base'],
  'core/nn': ['core/graph', 'core/base'],
  'core/diffusion': ['core/base'],
  'core/data': ['core/base'],
  'core/config': ['core/nn', 'core/diffusion', 'core/data', 'core/base'],
  'core/checkpoint': ['core/config', 'core/nn', 'core/diffusion', 'core/base'],
  'core/sample': [
    'core/checkpoint',
    'core/config',
    'core/data',
    'core/nn',
    'core/diffusion',
    'core/runtime',
    'core/graph',
    'core/base',
  ],
  'core/train': [
    'core/evaluate',
    'core/sample',
    'core/checkpoint',
    'core/config',
    'core/data',
    'core/nn',
    'core/diffusion',
    'core/runtime',
    'core/graph',
    'core/base',
  ],
  'core/evaluate': [
    'core/sample',
    'core/checkpoint',
    'core/config',
    'core/data',
    'core/nn',
    'core/diffusion',
    'core/runtime',
    'core/graph',
    'core/base',
  ],
  cli: ['core'],
  'engine/protocol': ['core'],
  'engine/wire': ['engine/protocol'],
  'engine/client': ['engine/wire', 'engine/protocol'],
  'engine/columns': ['engine/protocol'],
  'engine/overview': ['engine/columns', 'engine/protocol'],
  'engine/run-name': [],
  engine: [
    'engine/wire',
    'engine/columns',
    'engine/overview',
    'engine/run-name',
    'engine/protocol',
    'core',
  ],
  extension: [
    'core/base/number-text',
    'core/runtime/tensorflow/install-protocol',
    'engine/client',
    'engine/columns',
    'engine/overview',
    'engine/run-name',
    'engine/protocol',
    'webview/page.mjs',
    'webview/protocol',
  ],
  'webview/page.mjs': [],
  'webview/protocol': ['engine/protocol'],
  webview: [
    'webview/page.mjs',
    'webview/protocol',
    'engine/columns',
    'engine/protocol',
    'core/diffusion',
    'core/base',
  ],
};

const SOURCE = path.resolve(import.meta.dirname, 'src');

/** A file's place under src/ without its ending; of what lies beside src/, from there. */
const placeOf = (file) =>
  path
    .relative(SOURCE, file)
    .replace(/^\.\.\//, '')
    .replace(/\.ts$/, '');

const layerOf = (file) =>
  Object.keys(LAYERS)
    .filter((layer) => file === layer || file.startsWith(`${layer}/`))
    .sort((a, b) => b.length - a.length)[0];

const importDirection = {
  meta: { type: 'problem', schema: [], messages: { wrong: '{{from}} must not import {{to}}.' } },
  create(context) {
    const here = placeOf(context.filename);
    const from = layerOf(here);
    if (!from || here.endsWith('.test')) return {};
    const check = (node) => {
      const target = node.source?.value;
      if (typeof target !== 'string' || !target.startsWith('.')) return;
      const file = placeOf(path.resolve(path.dirname(context.filename), target));
      const to = layerOf(file) ?? file;
      const allowed = to === from || LAYERS[from].some((l) => to === l || to.startsWith(`${l}/`));
      if (!allowed) context.report({ node, messageId: 'wrong', data: { from, to } });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
    };
  },
};

/** The library sends usage data unless `ort.ts` is what loads it. */
const RUNTIME = {
  name: 'onnxruntime-node',
  message: 'Import core/runtime/onnx/ort.ts, which turns its telemetry off.',
};

export default tseslint.config(
  { ignores: ['dist/**', 'runs/**', 'node_modules/**', '.vscode-test/**'] },
  ...tseslint.configs.strict,
  {
    plugins: { house: { rules: { 'import-direction': importDirection } } },
    rules: {
      'house/import-direction': 'error',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-restricted-imports': ['error', { paths: [RUNTIME] }],
    },
  },
  {
    files: ['src/core/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-properties': ['error', { object: 'process', property: 'exit' }],
      'no-restricted-imports': ['error', { paths: ['vscode', RUNTIME] }],
    },
  },
  {
    files: ['src/core/runtime/onnx/ort.ts'],
    rules: { 'no-restricted-imports': 'off' },
  },
);
