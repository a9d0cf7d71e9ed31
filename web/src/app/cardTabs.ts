import { lazy } from 'react';
import { withLaterWords } from '@/lib/language';
import type { CardTab } from '@/ui/cardTabs';

/** What modules put on the card of a customer. */
export const CARD_TABS: readonly CardTab[] = [
  {
    key: 'member',
    name: 'app.nav.member',
    right: 'loyalty.read',
    Tab: lazy(withLaterWords(() => import('@/modules/loyalty/MemberTab'))),
  },
];
