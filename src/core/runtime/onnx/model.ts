import { Writer } from 'protobufjs/minimal';
import type { Shape } from '../../graph/shape';

/**
 * Writes ONNX models (onnx.proto). Only what the lowering needs; the numbers are the
 * field numbers of onnx.proto.
 */

export const OPSET = 18;
const IR_VERSION = 8;

/** Element types (TensorProto.DataType). */
export const FLOAT = 1;
const INT64 = 7;
export const FLOAT16 = 10;

export type OnnxAttribute = number | { readonly float: number } | string | readonly number[];

export interface OnnxNode {
  readonly opType: string;
  readonly name: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** A number is an int attribute, `{ float }` a float one, a list is ints. */
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

export interface OnnxInitializer {
  readonly name: string;
  readonly shape: Shape;
  /** `Uint16Array`: the bits of float16. */
  readonly data: Float32Array | BigInt64Array | Uint16Array;
}

/** A dimension is an extent or the name of one that is known only at run time. */
export interface OnnxValue {
  readonly name: string;
  readonly shape: readonly (number | string)[];
}

export interface OnnxModel {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxInitializer[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** Notes that lie in the file by key, for whoever reads it. */
  readonly metadata?: Readonly<Record<string, string>>;
}

const varint = (field: number) => field << 3;
const bytes = (field: number) => (field << 3) | 2;
const fixed32 = (field: number) => (field << 3) | 5;

function message(writer: Writer, field: number, body: (writer: Writer) => void): void {
  writer.uint32(bytes(field)).fork();
  body(writer);
  writer.ldelim();
}

function writeAttribute(w: Writer, name: string, value: OnnxAttribute): void {
  w.uint32(bytes(1)).string(name);
  if (typeof value === 'number') {
    w.uint32(varint(3)).int64(value).uint32(varint(20)).int32(2);
  } else if (typeof value === 'string') {
    w.uint32(bytes(4)).string(value).uint32(varint(20)).int32(3);
  } else if ('float' in value) {
    w.uint32(fixed32(2)).float(value.float).uint32(varint(20)).int32(1);
  } else {
    for (const item of value) w.uint32(varint(8)).int64(item);
    w.uint32(varint(20)).int32(7);
  }
}

function writeNode(w: Writer, node: OnnxNode): void {
  for (const input of node.inputs) w.uint32(bytes(1)).string(input);
  for (const output of node.outputs) w.uint32(bytes(2)).string(output);
  w.uint32(bytes(3)).string(node.name).uint32(bytes(4)).string(node.opType);
  for (const [name, value] of Object.entries(node.attributes)) {
    message(w, 5, (inner) => writeAttribute(inner, name, value));
  }
  if (node.domain) w.uint32(bytes(7)).string(node.domain);
}

function typeOf(data: OnnxInitializer['data']): number {
  if (data instanceof Float32Array) return FLOAT;
  return data instanceof Uint16Array ? FLOAT16 : INT64;
}

function writeInitializer(w: Writer, { name, shape, data }: OnnxInitializer): void {
  for (const extent of shape) w.uint32(varint(1)).int64(extent);
  w.uint32(varint(2)).int32(typeOf(data));
  w.uint32(bytes(8)).string(name);
  w.uint32(bytes(9)).bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function writeValue(w: Writer, { name, shape }: OnnxValue): void {
  w.uint32(bytes(1)).string(name);
  message(w, 2, (type) =>
    message(type, 1, (tensor) => {
      tensor.uint32(varint(1)).int32(FLOAT);
      message(tensor, 2, (shapeMessage) => {
        for (const extent of shape) {
          message(shapeMessage, 1, (dimension) => {
            if (typeof extent === 'number') dimension.uint32(varint(1)).int64(extent);
            else dimension.uint32(bytes(2)).string(extent);
          });
        }
      });
    }),
  );
}

function writeGraph(w: Writer, model: OnnxModel): void {
  for (const node of model.nodes) message(w, 1, (inner) => writeNode(inner, node));
  w.uint32(bytes(2)).string('diffusion-lab');
  for (const item of model.initializers) message(w, 5, (inner) => writeInitializer(inner, item));
  for (const value of model.inputs) message(w, 11, (inner) => writeValue(inner, value));
  for (const value of model.outputs) message(w, 12, (inner) => writeValue(inner, value));
}

/** The bytes of an ONNX file. */
export function encodeModel(model: OnnxModel): Uint8Array {
  const w = Writer.create();
  w.uint32(varint(1)).int64(IR_VERSION);
  w.uint32(bytes(2)).string('diffusion-lab');
  message(w, 7, (graph) => writeGraph(graph, model));
  const domains = new Set(model.nodes.map((node) => node.domain ?? ''));
  for (const domain of new Set(['', ...domains])) {
    message(w, 8, (opset) => {
      opset.uint32(bytes(1)).string(domain);
      opset.uint32(varint(2)).int64(domain === '' ? OPSET : 1);
    });
  }
  for (const [key, value] of Object.entries(model.metadata ?? {})) {
    message(w, 14, (entry) => entry.uint32(bytes(1)).string(key).uint32(bytes(2)).string(value));
  }
  return w.finish();
}
