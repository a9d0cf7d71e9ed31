import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemError } from '@/api/client';
import type { CustomerRow } from '@/api/types';
import { useFormat } from '@/lib/format';
import { useMe } from '@/lib/rights';
import { useSay } from '@/ui/say';
import { assignCustomers } from './api';
import { ownerOf, useOwnerChoices } from './owners';

/** Gives customers to somebody, says so, and says in the reader's words why it cannot be done. */
export function useAssign(onDone?: () => void) {
  const { t } = useTranslation();
  const format = useFormat();
  const say = useSay();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (input: { customers: string[]; owner: string | null; name: string }) =>
      assignCustomers({ customers: input.customers, owner: input.owner }),
    onSuccess: async (answer, input) => {
      const told = { count: answer.changed, n: format.int(answer.changed), name: input.name };
      if (answer.changed === 0) say.done(t('customers.assign.nothing'));
      else say.done(t(input.owner ? 'customers.assign.done' : 'customers.assign.freed', told));
      onDone?.();
      await Promise.all(
        ['customers', 'customer', 'workbench'].map((key) => client.invalidateQueries({ queryKey: [key] })),
      );
    },
    onError: (error) => {
      const problem = error instanceof ProblemError ? error : undefined;
      const field = problem?.problem.errors?.[0]?.field;
      if (problem?.kind === 'forbidden') say.wrong(t('customers.assign.outOfReach'));
      else if (field === 'owner') say.wrong(t('customers.assign.noOwner'));
      else if (field === 'customers') say.wrong(t('customers.assign.unseen'));
      else say.refused(error);
    },
  });
}

/** To whom the selected customers shall belong. */
export function AssignBar(props: {
  selected: string[];
  rows: CustomerRow[];
  disabled: boolean;
  onDone: () => void;
}) {
  const { t } = useTranslation();
  const me = useMe();
  const choices = useOwnerChoices(props.rows, true);
  const [choice, setChoice] = useState<string>();
  const assign = useAssign(props.onDone);
  return (
    <>
      <Select
        style={{ minWidth: 140 }}
        showSearch={{ optionFilterProp: 'label' }}
        aria-label={t('customers.assign.to')}
        placeholder={t('customers.assign.to')}
        value={choice}
        onChange={setChoice}
        options={choices}
      />
      <Button
        disabled={!choice || props.disabled}
        loading={assign.isPending}
        onClick={() => {
          if (!choice) return;
          const name = choice === 'me' ? me.name : (choices.find((one) => one.value === choice)?.label ?? '');
          assign.mutate({ customers: props.selected, owner: ownerOf(choice, me.id), name });
        }}
      >
        {t('customers.assign.button')}
      </Button>
    </>
  );
}
