import { lazy } from 'react';
import type { CardTab } from '@/ui/cardTabs';

/** What modules put on the card of a customer. */
export const CARD_TABS: readonly CardTab[] = [
  {
    key: 'member',
    name: 'loyalty.member.tab',
    right: 'loyalty.read',
    Tab: lazy(() => import('@/modules/loyalty/MemberTab')),
  },
];
