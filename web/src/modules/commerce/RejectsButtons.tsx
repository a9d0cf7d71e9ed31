import { DownloadOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Import } from '@/api/types';
import { langStore, usePref } from '@/lib/prefs';
import { rejectsUrl } from './api';
import { withRejects } from './names';

/** Rejected rows to correct: each file has columns of its own, so each has a file of them. */
export function RejectsButtons(props: { import: Import }) {
  const { t } = useTranslation();
  const [lang] = usePref(langStore);
  const files = withRejects(props.import);
  return files.map(({ number, name }) => (
    <Button
      key={number}
      className="button-long"
      icon={<DownloadOutlined />}
      href={rejectsUrl(props.import.id, number, lang)}
    >
      {files.length > 1 ? t('commerce.result.rejectsOf', { name }) : t('commerce.result.rejects')}
    </Button>
  ));
}
