// The page of a view: nothing but its own bundle may run, and nothing may be fetched.

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escaped(text) {
  return text.replace(/[&<>"]/g, (sign) => ENTITIES[sign]);
}

export function pageFor({
  title,
  nonce,
  source,
  style,
  script,
  bodyClass = '',
  head = '',
  before = '',
}) {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${source} 'nonce-${nonce}'`,
    `img-src ${source} blob:`,
    `font-src ${source}`,
  ].join('; ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta property="csp-nonce" content="${nonce}">
<meta name="viewport" content="width=device-width, initial-scale=1">
${head}<link rel="stylesheet" href="${style}">
<title>${escaped(title)}</title>
</head>
<body class="${bodyClass}" data-nonce="${nonce}">
<main id="view"></main>
${before}<script type="module" nonce="${nonce}" src="${script}"></script>
</body>
</html>`;
}
