import { useQuery } from '@tanstack/react-query';

/** What is done with a field before somebody sees it. */
export type FieldRule = 'read_only' | 'masked' | 'hidden';

/** Fields that roles have rules for, by the names of the server, and the rules that each can have. */
export const FIELD_RULES: readonly (readonly [field: string, rules: readonly FieldRule[]])[] = [
  ['customers.name', ['read_only', 'masked']],
  ['customers.accounts', ['read_only', 'masked', 'hidden']],
  ['customers.phone', ['read_only', 'hidden']],
  ['customers.email', ['read_only', 'hidden']],
  ['customers.birthday', ['read_only', 'hidden']],
  ['customers.region', ['hidden']],
  ['customers.rating', ['read_only', 'hidden']],
  ['customers.tags', ['read_only', 'hidden']],
  ['customers.notes', ['read_only', 'hidden']],
  ['commerce.amounts', ['hidden']],
  ['commerce.receiver', ['hidden']],
  ['commerce.remarks', ['hidden']],
];

interface Signed {
  user: { id: string; name: string; email: string };
  rights: string[];
  sees_all: boolean;
  fields: Record<string, FieldRule>;
}

// The frame has asked for the session before any page is shown.
const useSigned = () => useQuery<Signed>({ queryKey: ['session'], enabled: false }).data;

/** Whether these rights hold one, as the server says it. */
export function holds(rights: readonly string[], right: string): boolean {
  return rights.includes('*') || rights.includes(right);
}

/**
 * Whether the person who is signed in has a right. Pages leave out what they may not do; the server
 * refuses it all the same.
 */
export function useMay(): (right: string) => boolean {
  const rights = useSigned()?.rights ?? [];
  return (right) => holds(rights, right);
}

/** What one's role sees of fields. */
export interface Sees {
  /** Whether anything of it is shown, masked or not. */
  any: (field: string) => boolean;
  /** Whether it is shown as it is, so that one can filter and sort by it. */
  clear: (field: string) => boolean;
  /** Whether no rule keeps one from changing it; that takes the right as well. */
  free: (field: string) => boolean;
}

export function seesBy(rules: Readonly<Record<string, FieldRule>>): Sees {
  return {
    any: (field) => rules[field] !== 'hidden',
    clear: (field) => rules[field] !== 'hidden' && rules[field] !== 'masked',
    free: (field) => rules[field] === undefined,
  };
}

const NO_RULES = {};

/** What the person who is signed in sees of fields; what is hidden has no place on pages. */
export function useSees(): Sees {
  return seesBy(useSigned()?.fields ?? NO_RULES);
}

/** Who is signed in, and whether they see all records or only those in their reach. */
export function useMe(): { id?: string; name: string; seesAll: boolean } {
  const signed = useSigned();
  return { id: signed?.user.id, name: signed?.user.name ?? '', seesAll: signed?.sees_all ?? true };
}
