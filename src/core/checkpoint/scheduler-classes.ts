import type { SolverName } from '../diffusion/solvers';

/** What a scheduler of `diffusers` is here. */
export interface SchedulerClass {
  readonly solver: SolverName;
  /** Where its defaults are not those of DDPMScheduler. */
  readonly defaults: Readonly<Record<string, unknown>>;
  /** Fields of it that are done in one way alone, and what they have to say for that. */
  readonly fixed: Readonly<Record<string, unknown>>;
}

const LINSPACE = { timestep_spacing: 'linspace' };
const SIGMAS = {
  use_exponential_sigmas: false,
  use_beta_sigmas: false,
  final_sigmas_type: 'zero',
};
const MULTISTEP = {
  ...SIGMAS,
  use_lu_lambdas: false,
  use_flow_sigmas: false,
  use_dynamic_shifting: false,
  lower_order_final: true,
};
const DPM_SOLVER = { ...MULTISTEP, solver_type: 'midpoint' };

/** The schedulers that are read, by class name. */
export const SCHEDULER_CLASSES: Readonly<Record<string, SchedulerClass>> = {
  DDPMScheduler: { solver: 'ddpm', defaults: {}, fixed: {} },
  DDIMScheduler: { solver: 'ddim', defaults: {}, fixed: {} },
  PNDMScheduler: { solver: 'pndm', defaults: {}, fixed: {} },
  DPMSolverMultistepScheduler: {
    solver: 'dpmsolver++',
    defaults: LINSPACE,
    fixed: { ...DPM_SOLVER, euler_at_final: false },
  },
  EulerDiscreteScheduler: {
    solver: 'euler',
    defaults: LINSPACE,
    fixed: { ...SIGMAS, interpolation_type: 'linear', timestep_type: 'discrete' },
  },
  EulerAncestralDiscreteScheduler: { solver: 'euler-ancestral', defaults: LINSPACE, fixed: {} },
  HeunDiscreteScheduler: {
    solver: 'heun',
    defaults: { ...LINSPACE, beta_start: 0.00085, beta_end: 0.012, clip_sample: false },
    fixed: { use_exponential_sigmas: false, use_beta_sigmas: false },
  },
  UniPCMultistepScheduler: {
    solver: 'unipc',
    defaults: LINSPACE,
    fixed: { ...MULTISTEP, predict_x0: true, disable_corrector: [], solver_p: null },
  },
};

/** "{where}: use_beta_sigmas is true …": for each field that is not as {@link SchedulerClass.fixed} says. */
export function unknownWays(
  json: Readonly<Record<string, unknown>>,
  { fixed }: SchedulerClass,
  where: string,
): string[] {
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  return Object.entries(fixed)
    .filter(([key, value]) => key in json && !same(json[key], value))
    .map(
      ([key, value]) =>
        `${where}: ${key} is ${JSON.stringify(json[key])}, which is not done here; samples are drawn ` +
        `with ${JSON.stringify(value)}.`,
    );
}
