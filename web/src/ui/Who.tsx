import { useQueryClient } from '@tanstack/react-query';
import type { Session } from '@/api/types';

/** Who did something. The interface names people by id so far; an id tells a reader nothing. */
export function useWho(): (id?: string | null) => string | undefined {
  const me = useQueryClient().getQueryData<Session>(['session'])?.user;
  return (id) => (id && id === me?.id ? me.name : undefined);
}
