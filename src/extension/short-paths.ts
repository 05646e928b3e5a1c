/**
 * A message with the paths in it told from the folders that the user sees, which a toast has room for:
 * "runs/digits-1 is …" for "/home/ada/pictures/runs/digits-1 is …".
 *
 * @param folders the window's folders, without a separator at their ends
 */
export function shortPaths(message: string, folders: readonly string[]): string {
  const longestFirst = [...folders].sort((a, b) => b.length - a.length);
  return longestFirst.reduce(
    (text, folder) => text.replaceAll(`${folder}/`, '').replaceAll(`${folder}\\`, ''),
    message,
  );
}
