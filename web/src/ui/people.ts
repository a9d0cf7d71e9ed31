import { useQuery } from '@tanstack/react-query';
import { client, itemsOf, take } from '@/api/client';
import type { Colleague, Member, Page } from '@/api/types';
import { useMay } from '@/lib/rights';

/** Everybody, for those who manage people; an organisation has as many people as fit a few pages. */
export function usePeople() {
  const may = useMay();
  return useQuery({
    queryKey: ['people'],
    enabled: may('identity.people'),
    staleTime: 60_000,
    queryFn: async () => {
      const all: Member[] = [];
      let after: string | undefined;
      do {
        const page = await take<Page<Member>>(
          client.GET('/api/v1/identity/users', { params: { query: { limit: 200, after } } }),
        );
        all.push(...page.items);
        after = page.next ?? undefined;
      } while (after);
      return all;
    },
  });
}

/** Those to whom the reader can give records: the people of their reach. */
export function useColleagues() {
  const may = useMay();
  return useQuery({
    queryKey: ['colleagues'],
    enabled: may('customers.assign'),
    staleTime: 60_000,
    queryFn: async () => itemsOf<Colleague>(await take(client.GET('/api/v1/identity/colleagues'))),
  });
}

/** A choice of people; the e-mail address tells two of one name apart. */
export function optionsOf(people: readonly { id: string; name: string; email: string }[]) {
  return people.map((one) => ({
    value: one.id,
    label: people.some((other) => other.id !== one.id && other.name === one.name)
      ? `${one.name} (${one.email})`
      : one.name,
  }));
}
