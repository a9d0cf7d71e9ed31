import { Button, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { CustomerCard } from '@/api/types';
import { useMay, useMe } from '@/lib/rights';
import { useAssign } from './AssignBar';
import { Owner } from './columns';
import { ownerOf, useOwnerChoices } from './owners';

/** Whose customer it is, and a way to give it to somebody. */
export function OwnerLine(props: { card: CustomerCard }) {
  const { t } = useTranslation();
  const may = useMay();
  const me = useMe();
  const { card } = props;
  const [changing, setChanging] = useState(false);
  const choices = useOwnerChoices([card], true);
  const assign = useAssign(() => setChanging(false));
  if (changing) {
    const present = card.owner === me.id ? 'me' : (card.owner ?? 'none');
    return (
      <Select
        autoFocus
        defaultOpen
        size="small"
        className="owner-select"
        showSearch={{ optionFilterProp: 'label' }}
        aria-label={t('customers.field.owner')}
        loading={assign.isPending}
        value={choices.some((one) => one.value === present) ? present : undefined}
        options={choices}
        onBlur={() => setChanging(false)}
        onChange={(choice) =>
          assign.mutate({
            customers: [card.id],
            owner: ownerOf(choice, me.id),
            name: choice === 'me' ? me.name : (choices.find((one) => one.value === choice)?.label ?? ''),
          })
        }
      />
    );
  }
  return (
    <>
      <Owner row={card} />{' '}
      {may('customers.assign') && !card.merged_into ? (
        <Button size="small" type="link" onClick={() => setChanging(true)}>
          {t('customers.owner.change')}
        </Button>
      ) : null}
    </>
  );
}
