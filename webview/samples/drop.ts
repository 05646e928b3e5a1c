import { show } from '../shared/dom';

const URI_TYPES = ['application/vnd.code.uri-list', 'text/uri-list'];

/**
 * Takes pictures that are dropped on the page.
 *
 * @param hint is shown while something is dragged over it
 */
export function takeDrops(
  hint: HTMLElement,
  handlers: {
    readonly onBytes: (name: string, bytes: Uint8Array) => void;
    /** A file of the editor, which has no bytes here. */
    readonly onUri: (uri: string) => void;
    readonly onNothing: () => void;
  },
): void {
  const hold = (event: DragEvent, isOver: boolean) => {
    event.preventDefault();
    show(hint, isOver);
  };
  document.addEventListener('dragover', (event) => hold(event, true));
  document.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) hold(event, false);
  });
  document.addEventListener('drop', (event) => {
    hold(event, false);
    const [file] = event.dataTransfer?.files ?? [];
    if (file) {
      return void file
        .arrayBuffer()
        .then((buffer) => handlers.onBytes(file.name, new Uint8Array(buffer)));
    }
    const uri = URI_TYPES.map((type) => firstUri(event.dataTransfer?.getData(type) ?? '')).find(
      Boolean,
    );
    if (uri) handlers.onUri(uri);
    else handlers.onNothing();
  });
}

/** The first of a list of addresses; lines that begin with # are comments (RFC 2483). */
function firstUri(list: string): string | undefined {
  return list.split(/\r?\n/).find((line) => line !== '' && !line.startsWith('#'));
}
