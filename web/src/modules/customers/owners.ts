import { useTranslation } from 'react-i18next';
import type { CustomerRow } from '@/api/types';
import { useMe } from '@/lib/rights';
import { optionsOf, useColleagues, usePeople } from '@/ui/people';

/** Owners seen in rows, each once. */
export function ownersIn(rows: readonly CustomerRow[]): { id: string; name: string; email: string }[] {
  const known = new Map<string, { id: string; name: string; email: string }>();
  for (const { owner, owner_person: person } of rows) {
    if (owner && person) known.set(owner, { id: owner, ...person });
  }
  return [...known.values()].sort((a, b) => a.name.localeCompare(b.name));
}

/**
 * Whose customers are, as choices: oneself, nobody, and everybody for those who manage people; others know
 * the owners whom they see in rows. Customers are given to the people of the reader's reach who are there.
 */
export function useOwnerChoices(rows: readonly CustomerRow[], forGiving = false) {
  const { t } = useTranslation();
  const me = useMe();
  const people = usePeople();
  const colleagues = useColleagues();
  const known = (forGiving ? colleagues.data : people.data) ?? ownersIn(rows);
  return [
    { value: 'me', label: t('customers.owner.me') },
    { value: 'none', label: t('customers.owner.nobody') },
    ...optionsOf(known.filter((one) => one.id !== me.id)),
  ];
}

/** The user whom a choice means; null for nobody. */
export const ownerOf = (choice: string, me?: string): string | null =>
  choice === 'none' ? null : choice === 'me' ? (me ?? null) : choice;
