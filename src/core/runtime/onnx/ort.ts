/** ONNX Runtime, without its telemetry. Nothing else imports the package: the order matters. */
import './no-telemetry';

export { env, InferenceSession, Tensor } from 'onnxruntime-node';
