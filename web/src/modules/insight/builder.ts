import { createContext, useContext, useMemo } from 'react';
import { useMay, useSees } from '@/lib/rights';
import { useLevelSchemes, usePointsProgrammes } from '@/ui/loyalty';
import { useShops } from '@/ui/shops';
import { CHOICES, type Choice, type Node } from './tree';

/** What every row of the builder needs. */
export interface Builder {
  /** Changes the whole tree; its root is a group then. */
  edit: (change: (root: Node) => Node) => void;
  /** What the server says of the node of a path, joined by dots. */
  faults: ReadonlyMap<string, string>;
  /** Whether what is missing is told beside its row. */
  strict: boolean;
  /** The audience that is edited; it cannot be a condition of itself. */
  self?: string;
}

const Context = createContext<Builder | undefined>(undefined);
export const BuilderContext = Context.Provider;

export function useBuilder(): Builder {
  const builder = useContext(Context);
  if (!builder) throw new Error('outside of a builder');
  return builder;
}

/** Kinds of conditions that the reader may ask for: a count tells of a field as a list does. */
export function useChoices(): Choice[] {
  const sees = useSees();
  const hearsConsents = useMay()('customers.consent_read');
  // What nobody set up is not offered.
  const hasLevels = !!useLevelSchemes().data?.length;
  const hasPoints = !!usePointsProgrammes().data?.length;
  return useMemo(() => {
    const clear: Partial<Record<Choice, string[]>> = {
      name: ['customers.name', 'customers.accounts', 'customers.phone', 'customers.email'],
      province: ['customers.region'],
      rating: ['customers.rating'],
      tag: ['customers.tags'],
      tier: ['commerce.amounts'],
      cell: ['commerce.amounts'],
      revenue: ['commerce.amounts'],
      average_order: ['commerce.amounts'],
      refunded: ['commerce.amounts'],
    };
    const there: Partial<Record<Choice, boolean>> = {
      may_contact: hearsConsents,
      level: hasLevels,
      points: hasPoints,
    };
    return CHOICES.filter((choice) => (clear[choice] ?? []).every(sees.clear) && (there[choice] ?? true));
  }, [sees, hearsConsents, hasLevels, hasPoints]);
}

/** The currency of amounts: that of the shop chosen, or of the first. */
export function useCurrency(shop?: string): string {
  const { data } = useShops();
  return (data?.find((one) => one.id === shop) ?? data?.[0])?.currency ?? 'CNY';
}
