import { useQuery } from '@tanstack/react-query';

interface Signed {
  rights: string[];
}

/** Whether these rights hold one, as the server says it. */
export function holds(rights: readonly string[], right: string): boolean {
  return rights.includes('*') || rights.includes(right);
}

/**
 * Whether the person who is signed in has a right. Pages leave out what they may not do; the server
 * refuses it all the same.
 */
export function useMay(): (right: string) => boolean {
  // The frame has asked for the session before any page is shown.
  const session = useQuery<Signed>({ queryKey: ['session'], enabled: false });
  const rights = session.data?.rights ?? [];
  return (right) => holds(rights, right);
}
