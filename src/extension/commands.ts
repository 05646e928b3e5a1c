import type { CommandTable } from './commands/command';
import { newConfiguration } from './commands/configuration';
import { checkpointNow, pauseTraining, stopTraining, unpauseTraining } from './commands/control';
import { selectDevice } from './commands/device';
import { doctor } from './commands/doctor';
import {
  compareCheckpoints,
  exportModel,
  openSamplesPanel,
  openTrainingPanel,
  sampleFromCheckpoint,
  showForwardNoising,
} from './commands/models';
import { deletePaths, renameRun, reveal } from './commands/runs';
import {
  resumeTraining,
  train,
  trainFromConfiguration,
  trainFromFolder,
} from './commands/training';

/** Every command: whether it needs trust, what it does with the engine, and what it does. */
export const COMMANDS: CommandTable = {
  'diffusion.train': { name: 'Training', needsTrust: true, engine: 'starts', run: train },
  'diffusion.trainFromFolder': {
    name: 'Training',
    needsTrust: true,
    engine: 'starts',
    run: trainFromFolder,
  },
  'diffusion.trainFromConfiguration': {
    name: 'Training',
    needsTrust: true,
    engine: 'starts',
    run: trainFromConfiguration,
  },
  'diffusion.resumeTraining': {
    name: 'Resuming',
    needsTrust: true,
    engine: 'starts',
    run: resumeTraining,
  },
  'diffusion.pauseTraining': {
    name: 'Pausing',
    needsTrust: false,
    engine: 'training',
    run: pauseTraining,
  },
  'diffusion.unpauseTraining': {
    name: 'Going on',
    needsTrust: false,
    engine: 'training',
    run: unpauseTraining,
  },
  'diffusion.stopTraining': {
    name: 'Stopping',
    needsTrust: false,
    engine: 'training',
    run: stopTraining,
  },
  'diffusion.checkpointNow': {
    name: 'The checkpoint',
    needsTrust: false,
    engine: 'training',
    run: checkpointNow,
  },
  'diffusion.openTrainingPanel': {
    name: 'The training panel',
    needsTrust: false,
    engine: 'starts',
    run: openTrainingPanel,
  },
  'diffusion.openSamplesPanel': {
    name: 'The samples panel',
    needsTrust: false,
    engine: 'starts',
    run: openSamplesPanel,
  },
  'diffusion.sampleFromCheckpoint': {
    name: 'Sampling',
    needsTrust: false,
    engine: 'starts',
    run: sampleFromCheckpoint,
  },
  'diffusion.compareCheckpoints': {
    name: 'Comparing',
    needsTrust: false,
    engine: 'starts',
    run: compareCheckpoints,
  },
  'diffusion.showForwardNoising': {
    name: 'Forward noising',
    needsTrust: false,
    engine: 'starts',
    run: showForwardNoising,
  },
  'diffusion.export': { name: 'The export', needsTrust: false, engine: 'starts', run: exportModel },
  'diffusion.renameRun': { name: 'Renaming', needsTrust: false, engine: 'starts', run: renameRun },
  'diffusion.delete': { name: 'Deleting', needsTrust: false, engine: 'none', run: deletePaths },
  'diffusion.reveal': { name: 'Revealing', needsTrust: false, engine: 'none', run: reveal },
  'diffusion.refresh': {
    name: 'Refreshing',
    needsTrust: false,
    engine: 'starts',
    run: ({ runs }) => runs.refresh(),
  },
  'diffusion.selectDevice': {
    name: 'Trying the devices',
    needsTrust: false,
    engine: 'starts',
    run: selectDevice,
  },
  'diffusion.doctor': { name: 'The doctor', needsTrust: false, engine: 'starts', run: doctor },
  'diffusion.newConfiguration': {
    name: 'The configuration',
    needsTrust: false,
    engine: 'none',
    run: (_, folder) => newConfiguration(folder),
  },
  'diffusion.showLog': {
    name: 'The log',
    needsTrust: false,
    engine: 'none',
    run: ({ log }) => log.show(),
  },
  'diffusion.restartEngine': {
    name: 'Restarting',
    needsTrust: false,
    engine: 'none',
    run: ({ engine }) => engine.restart(),
  },
};
