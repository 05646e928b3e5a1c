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
import { installTensorflow } from './commands/tensorflow';
import {
  resumeTraining,
  train,
  trainFromConfiguration,
  trainFromFolder,
} from './commands/training';
import { compareWeights, openWeights } from './commands/weights';

/** Every command: what it needs, and what it does. */
export const COMMANDS: CommandTable = {
  'diffusion.train': { name: 'Training', needs: 'trust', run: train },
  'diffusion.trainFromFolder': {
    name: 'Training',
    needs: 'trust',
    run: trainFromFolder,
  },
  'diffusion.trainFromConfiguration': {
    name: 'Training',
    needs: 'trust',
    run: trainFromConfiguration,
  },
  'diffusion.resumeTraining': {
    name: 'Resuming',
    needs: 'trust',
    run: resumeTraining,
  },
  'diffusion.pauseTraining': {
    name: 'Pausing',
    needs: 'training',
    run: pauseTraining,
  },
  'diffusion.unpauseTraining': {
    name: 'Going on',
    needs: 'training',
    run: unpauseTraining,
  },
  'diffusion.stopTraining': {
    name: 'Stopping',
    needs: 'training',
    run: stopTraining,
  },
  'diffusion.checkpointNow': {
    name: 'The checkpoint',
    needs: 'training',
    run: checkpointNow,
  },
  'diffusion.openTrainingPanel': {
    name: 'The training panel',
    needs: null,
    run: openTrainingPanel,
  },
  'diffusion.openSamplesPanel': {
    name: 'The samples panel',
    needs: null,
    run: openSamplesPanel,
  },
  'diffusion.sampleFromCheckpoint': {
    name: 'Sampling',
    needs: null,
    run: sampleFromCheckpoint,
  },
  'diffusion.compareCheckpoints': {
    name: 'Comparing',
    needs: null,
    run: compareCheckpoints,
  },
  'diffusion.openWeights': {
    name: 'Showing the weights',
    needs: null,
    run: openWeights,
  },
  'diffusion.compareWeights': {
    name: 'Comparing the weights',
    needs: null,
    run: compareWeights,
  },
  'diffusion.showForwardNoising': {
    name: 'Forward noising',
    needs: null,
    run: showForwardNoising,
  },
  'diffusion.export': { name: 'The export', needs: null, run: exportModel },
  'diffusion.renameRun': { name: 'Renaming', needs: null, run: renameRun },
  'diffusion.delete': { name: 'Deleting', needs: null, run: deletePaths },
  'diffusion.reveal': { name: 'Revealing', needs: null, run: reveal },
  'diffusion.refresh': {
    name: 'Refreshing',
    needs: null,
    run: ({ runs }) => runs.refresh(),
  },
  'diffusion.selectDevice': {
    name: 'Trying the devices',
    needs: null,
    run: selectDevice,
  },
  'diffusion.installTensorflow': {
    name: 'Installing TensorFlow',
    needs: null,
    run: installTensorflow,
  },
  'diffusion.doctor': { name: 'The doctor', needs: null, run: doctor },
  'diffusion.newConfiguration': {
    name: 'The configuration',
    needs: null,
    run: (_, folder) => newConfiguration(folder),
  },
  'diffusion.showLog': {
    name: 'The log',
    needs: null,
    run: ({ log }) => log.show(),
  },
  'diffusion.restartEngine': {
    name: 'Restarting',
    needs: null,
    run: ({ engine }) => engine.restart(),
  },
};
