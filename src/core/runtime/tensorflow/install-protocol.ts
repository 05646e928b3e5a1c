/** What is said of the installer: by its process, and to the user before it begins. */

/** What the process that installs tells its parent, whose leaving it takes for a cancellation. */
export type InstallMessage =
  | { readonly kind: 'progress'; readonly line: string }
  /** It is installed, and tried now. */
  | { readonly kind: 'installed' }
  /** Installed; and whether it works here, or why not. */
  | { readonly kind: 'done'; readonly works: boolean; readonly reason: string | null }
  /** Nothing was installed; a sentence for the user. */
  | { readonly kind: 'failed'; readonly message: string };

/** What has to be there for it to work, and what its installation takes. */
export const INSTALL_NEEDS =
  'It needs an NVIDIA GPU with CUDA 11.2 and cuDNN 8.1, on Linux or Windows (x64). Some 400 MB are ' +
  'downloaded from the npm registry and from Google’s storage (storage.googleapis.com).';

/** Why the package cannot be had here, or null: it is built for Linux and Windows on x64 alone. */
export function platformProblem(
  platform: string = process.platform,
  arch: string = process.arch,
): string | null {
  if (arch === 'x64' && (platform === 'linux' || platform === 'win32')) return null;
  return `TensorFlow’s CUDA runtime is made for Linux and Windows on x64, and this is ${platform} on ${arch}`;
}
