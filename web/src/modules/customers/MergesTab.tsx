import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Popconfirm } from 'antd';
import { useTranslation } from 'react-i18next';
import type { CustomerCard } from '@/api/types';
import { useMay } from '@/lib/rights';
import { AppLink } from '@/ui/Link';
import { useSay } from '@/ui/say';
import { EmptyState } from '@/ui/states';
import { Time } from '@/ui/values';
import { Who } from '@/ui/Who';
import { unmerge } from './api';
import { SuggestionItem } from './SuggestionItem';

export function MergesTab(props: { card: CustomerCard }) {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const merges = useMay()('customers.merge');
  const { card } = props;
  const undo = useMutation({
    mutationFn: unmerge,
    onSuccess: async () => {
      await Promise.all(
        ['customers', 'customer', 'suggestions', 'orders'].map((key) =>
          client.invalidateQueries({ queryKey: [key] }),
        ),
      );
      say.done(t('customers.merge.undone'));
    },
    onError: say.refused,
  });
  if (card.merges.length + card.suggestions.length === 0) {
    return <EmptyState small title={t('customers.merge.none')} text={t('customers.merge.noneText')} />;
  }
  return (
    <div className="stack">
      {card.suggestions.length ? (
        <>
          <h3>{t('customers.merge.suggested')}</h3>
          <ul className="suggestions">
            {card.suggestions.map((one) => (
              <SuggestionItem key={one.id} suggestion={one} />
            ))}
          </ul>
        </>
      ) : null}
      {card.merges.length ? (
        <>
          <h3>{t('customers.merge.past')}</h3>
          <ul className="notes">
            {card.merges.map((merge) => (
              <li key={merge.id}>
                {t('customers.merge.pastOne', { name: merge.absorb_name })}
                <div className="quiet by">
                  {merge.actor ? <Who person={merge.actor_person} /> : t('customers.merge.byItself')}
                  <Time at={merge.at} />
                  {merges ? (
                    <Popconfirm
                      title={t('customers.merge.undoAsk', { name: merge.absorb_name })}
                      description={t('customers.merge.undoText')}
                      okText={t('customers.merge.undo')}
                      onConfirm={() => undo.mutate(merge.id)}
                    >
                      <Button type="link" size="small">
                        {t('customers.merge.undo')}
                      </Button>
                    </Popconfirm>
                  ) : null}
                </div>
              </li>
            ))}
          </ul>
        </>
      ) : null}
      {merges ? <AppLink href="/customers/suggestions">{t('customers.merge.all')}</AppLink> : null}
    </div>
  );
}
