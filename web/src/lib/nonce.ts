/** The nonce of this page: styles that libraries write into it carry it, or the browser leaves them out. */
export const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';

/**
 * Gives the nonce to every style element that is made from here on. Ant Design hands it to its own
 * styles, but not to the one by which it measures scroll bars.
 */
export function signStyles(): void {
  const create = document.createElement.bind(document);
  document.createElement = (name: string, options?: ElementCreationOptions) => {
    const element = create(name, options);
    if (nonce && element instanceof HTMLStyleElement) element.nonce = nonce;
    return element;
  };
}
