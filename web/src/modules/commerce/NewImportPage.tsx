import { CloseOutlined } from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { Button, Progress } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/lib/format';
import { useGo } from '@/lib/url';
import { FileDrop } from '@/ui/FileDrop';
import { Page, Panel } from '@/ui/Page';
import { ErrorState } from '@/ui/states';
import { uploadDraft } from './api';

const ACCEPT = '.csv,.tsv,.txt,.xlsx,.xls';

/** The first step: files in, nothing stored yet. */
export default function NewImportPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const go = useGo();
  const client = useQueryClient();
  const [files, setFiles] = useState<File[]>([]);
  const [share, setShare] = useState<number>();
  const [error, setError] = useState<unknown>();
  const stop = useRef<AbortController>(undefined);
  useEffect(() => () => stop.current?.abort(), []);

  const add = (more: Iterable<File>) => {
    setError(undefined);
    setFiles((before) => [
      ...before,
      ...[...more].filter((file) => !before.some((one) => one.name === file.name && one.size === file.size)),
    ]);
  };
  const send = async () => {
    stop.current = new AbortController();
    setShare(0);
    setError(undefined);
    try {
      const draft = await uploadDraft(files, setShare, stop.current.signal);
      client.setQueryData(['import', draft.id], draft);
      void client.invalidateQueries({ queryKey: ['imports'] });
      go(`/imports/${draft.id}`);
    } catch (refused) {
      if (!(refused instanceof DOMException)) setError(refused);
      setShare(undefined);
    }
  };
  const busy = share !== undefined;
  return (
    <Page title={t('commerce.imports.new')} narrow>
      <Panel>
        <FileDrop
          multiple
          accept={ACCEPT}
          disabled={busy}
          title={t('commerce.imports.drop')}
          text={t('commerce.imports.dropText')}
          label={t('commerce.imports.choose')}
          onFiles={add}
        />
        {files.length ? (
          <ul className="files">
            {files.map((file) => (
              <li key={file.name + file.size}>
                <span className="files-name">{file.name}</span>
                <span className="quiet figure">{format.bytes(file.size)}</span>
                <Button
                  type="text"
                  size="small"
                  icon={<CloseOutlined />}
                  disabled={busy}
                  aria-label={`${t('ui.remove')} ${file.name}`}
                  onClick={() => setFiles((before) => before.filter((one) => one !== file))}
                />
              </li>
            ))}
          </ul>
        ) : null}
        {busy ? (
          <Progress
            percent={Math.floor((share ?? 0) * 100)}
            aria-label={t('commerce.imports.uploading')}
            format={(percent) => (percent === 100 ? t('commerce.imports.looking') : `${percent}%`)}
          />
        ) : null}
        {error ? <ErrorState error={error} /> : null}
        {files.length ? (
          <div className="buttons">
            <Button type="primary" loading={busy} onClick={() => void send()}>
              {t('commerce.imports.upload')}
            </Button>
            {busy ? <Button onClick={() => stop.current?.abort()}>{t('ui.cancel')}</Button> : null}
          </div>
        ) : null}
      </Panel>
      <Panel title={t('commerce.imports.helpTitle')}>
        <ul className="bullets">
          {(['taobao', 'others', 'generic', 'safe'] as const).map((key) => (
            <li key={key}>{t(`commerce.imports.help.${key}`)}</li>
          ))}
        </ul>
      </Panel>
    </Page>
  );
}
