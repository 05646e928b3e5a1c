import { describe, expect, it } from 'vitest';
import { doctorReport, type DoctorFacts } from './doctor-report';

const FACTS: DoctorFacts = {
  devices: {
    reports: [
      { name: 'cpu', works: true, reason: null, milliseconds: 5.23 },
      { name: 'webgpu', works: false, reason: 'no GPU was found', milliseconds: null },
    ],
    auto: 'cpu',
    versions: { 'diffusion-lab': '0.1.0' },
  },
  health: { state: 'up', message: null },
  engine: { pid: 4711, versions: {}, training: null },
  training: null,
  logFile: '/s/engine.log',
  settings: {
    device: 'auto',
    threads: null,
    defaultThreads: 3,
    whenWindowCloses: 'stop',
    runsFolders: ['/w/runs'],
  },
  runs: 2,
  isTrusted: true,
  machine: {
    system: 'Linux',
    processor: 'EPYC',
    cores: 4,
    memory: '8 GB',
    freeMemory: '4 GB',
    editor: 'VS Code 1.100',
    remote: null,
    node: '20.0.0',
  },
};

describe('the doctor', () => {
  it('says what is used, and why the others are not', () => {
    const report = doctorReport(FACTS);
    expect(report).toContain('**All is well.** Training and sampling use cpu.');
    expect(report).toContain('| cpu (taken by auto) | yes | works, 5.2 ms for the trial |');
    expect(report).toContain('| webgpu | no | no GPU was found |');
    expect(report).toContain('| diffusion\\.threads | 3, all cores but one |');
    expect(report).not.toContain('| Remote');
  });

  it('says first that the chosen device does not work', () => {
    const settings = { ...FACTS.settings, device: 'webgpu' };
    const report = doctorReport({ ...FACTS, settings });
    expect(report).toContain('which does not work here**: no GPU was found');
    expect(report).not.toContain('All is well');
  });

  it('says that nothing works', () => {
    const devices = { reports: [], auto: null, versions: {} };
    expect(doctorReport({ ...FACTS, devices })).toContain('**No device works here**');
  });

  it('reports an engine that cannot be started', () => {
    const report = doctorReport({
      ...FACTS,
      devices: 'The engine could not be started: it ended (code 1).',
      health: { state: 'down', message: 'The engine could not be started: it ended (code 1).' },
      engine: null,
    });
    expect(report).toContain('**The devices could not be tried.**');
    expect(report).toContain('| State | down |');
    expect(report).toContain('engine.log'.replace('.', '\\.'));
  });

  it('says that training waits for trust', () => {
    expect(doctorReport({ ...FACTS, isTrusted: false })).toContain(
      'until this workspace is trusted',
    );
  });
});
