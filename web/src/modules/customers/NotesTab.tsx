import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Input, Popconfirm } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { CustomerCard } from '@/api/types';
import { useMay, useSees } from '@/lib/rights';
import { useSay } from '@/ui/say';
import { EmptyState } from '@/ui/states';
import { Time } from '@/ui/values';
import { Who } from '@/ui/Who';
import { addNote, deleteNote } from './api';

/** Notes; what is being typed survives leaving the page. */
export function NotesTab(props: { card: CustomerCard }) {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const { card } = props;
  const may = useMay();
  const sees = useSees();
  const writes = may('customers.edit') && sees.free('customers.notes');
  const draftKey = `guanxi.draft.note.${card.id}`;
  const [text, setText] = useState(() => sessionStorage.getItem(draftKey) ?? '');
  useEffect(() => {
    if (text) sessionStorage.setItem(draftKey, text);
    else sessionStorage.removeItem(draftKey);
  }, [text, draftKey]);
  const refresh = () => client.invalidateQueries({ queryKey: ['customer', card.id] });
  const add = useMutation({
    mutationFn: () => addNote(card.id, text.trim()),
    onSuccess: async () => {
      setText('');
      await refresh();
    },
    onError: say.refused,
  });
  const remove = useMutation({
    mutationFn: (note: string) => deleteNote(card.id, note),
    onSuccess: refresh,
    onError: say.refused,
  });
  return (
    <div className="stack">
      {writes ? (
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            if (text.trim()) add.mutate();
          }}
        >
          <Input.TextArea
            aria-label={t('customers.note.label')}
            placeholder={t('customers.note.hint')}
            autoSize={{ minRows: 2, maxRows: 8 }}
            maxLength={4000}
            value={text}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && text.trim()) add.mutate();
            }}
          />
          <div className="buttons">
            <Button type="primary" htmlType="submit" disabled={!text.trim()} loading={add.isPending}>
              {t('customers.note.add')}
            </Button>
          </div>
        </form>
      ) : null}
      {card.notes.length === 0 ? (
        <EmptyState small title={t('customers.note.none')} />
      ) : (
        <ul className="notes">
          {card.notes.map((note) => (
            <li key={note.id}>
              <p className="note-text">{note.text}</p>
              <div className="quiet by">
                <Who person={note.author_person} />
                <Time at={note.created_at} />
                {writes ? (
                  <Popconfirm
                    title={t('customers.note.deleteAsk')}
                    okText={t('ui.delete')}
                    onConfirm={() => remove.mutate(note.id)}
                  >
                    <Button type="link" size="small">
                      {t('ui.delete')}
                    </Button>
                  </Popconfirm>
                ) : null}
              </div>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
