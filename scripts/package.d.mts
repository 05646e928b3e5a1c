export function packageVsix(folder: string): Promise<string>;
