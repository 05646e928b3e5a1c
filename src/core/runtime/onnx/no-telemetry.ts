/**
 * ONNX Runtime's packages for Linux and macOS bring an uploader of usage data, which is on by default,
 * and keeps a device's number and a queue in the user's cache folder. This variable keeps it from being
 * made. It is read once, when the library is loaded or its first session is opened, so that it has to be
 * set before, and on a process's main thread: a worker's `process.env` is a copy of which native code
 * knows nothing. (On Windows there is no uploader: the library has the system's event tracing alone,
 * which its JavaScript interface cannot turn off.)
 */
process.env.ORT_DISABLE_TELEMETRY = '1';
