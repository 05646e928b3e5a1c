/**
 * Settings inside a picture: JSON in the description of an XMP packet (ISO 16684-1), where image
 * viewers show it and `readPictureSettings` finds it.
 */

const OPEN = '<dc:description><rdf:Alt><rdf:li xml:lang="x-default">';
const CLOSE = '</rdf:li></rdf:Alt></dc:description>';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

const CHARACTERS: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(ENTITIES).map(([character, entity]) => [entity, character]),
);

/** An XMP packet that holds a JSON value. */
export function settingsToXmp(settings: unknown): string {
  const json = JSON.stringify(settings).replace(/[&<>"]/g, (character) => ENTITIES[character]!);
  return [
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>',
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">',
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">',
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"',
    ' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="Diffusion Lab">',
    `${OPEN}${json}${CLOSE}`,
    '</rdf:Description></rdf:RDF></x:xmpmeta>',
    '<?xpacket end="r"?>',
  ].join('\n');
}

/** The JSON value in such a packet; undefined when there is none. */
export function settingsFromXmp(xmp: string): unknown {
  const start = xmp.indexOf(OPEN);
  const end = xmp.indexOf(CLOSE, start);
  if (start < 0 || end < 0) return undefined;
  const escaped = xmp.slice(start + OPEN.length, end);
  const json = escaped.replace(/&(?:amp|lt|gt|quot);/g, (entity) => CHARACTERS[entity]!);
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}
