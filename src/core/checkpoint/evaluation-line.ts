import { isRecord } from '../base/schema';

/**
 * What an evaluation in the course of a training found: a line of its own in `metrics.jsonl`. Errors are standard
 * errors; what could not be told is null.
 */
export interface EvaluationLine {
  readonly type: 'evaluation';
  /** Optimiser steps done. */
  readonly step: number;
  /** Seconds of training so far, without those of evaluations. */
  readonly time: number;
  /** Samples that were drawn. */
  readonly samples: number;
  /** Squared Fréchet distance between the samples and the training images. */
  readonly frechet: number;
  readonly frechetError: number;
  /** The same of as many held-out images: what a perfect model would reach. Null where there are fewer. */
  readonly frechetHeldOut: number | null;
  /** Kernel distance; around 0 is best. */
  readonly kernel: number;
  readonly kernelError: number;
  /** 0 … 1, as the next. */
  readonly precision: number;
  readonly precisionError: number;
  readonly recall: number;
  readonly recallError: number;
  /** Share of the samples that the classifier gives the class they were drawn for, 0 … 1. */
  readonly classAccuracy: number | null;
  readonly classAccuracyError: number | null;
  /** Seconds that this evaluation took. */
  readonly seconds: number;
}

/** How such a line begins, so that it is found among the others without parsing them. */
export const EVALUATION_START = '{"type":"evaluation",';

/** As few digits as say something; the first key is the one of {@link EVALUATION_START}. */
export function evaluationText({ type, step, time, ...figures }: EvaluationLine): string {
  const short = Object.entries(figures).map(([key, value]) => {
    const isWhole = value === null || Number.isInteger(value);
    return [key, isWhole ? value : Number(value.toPrecision(5))] as const;
  });
  const rounded = Math.round(1000 * time) / 1000;
  return JSON.stringify({ type, step, time: rounded, ...Object.fromEntries(short) });
}

/** A line of the file; null for what is none. */
export function parseEvaluationLine(text: string): EvaluationLine | null {
  if (!text.startsWith(EVALUATION_START)) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(value) || !Number.isSafeInteger(value.step)) return null;
  return typeof value.frechet === 'number' ? (value as unknown as EvaluationLine) : null;
}

/** Adds to evaluations in the order of their steps; one takes the place of those from its step on. */
export function withEvaluation(
  evaluations: readonly EvaluationLine[],
  line: EvaluationLine,
): readonly EvaluationLine[] {
  return [...evaluations.filter(({ step }) => step < line.step), line];
}
