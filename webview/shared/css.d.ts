/** Style sheets are bundled by esbuild into the view's own; importing one gives nothing. */
declare module '*.css';
