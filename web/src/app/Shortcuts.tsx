import { Modal } from 'antd';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/lib/rights';
import { MENU } from './pages';

export default function Shortcuts(props: { onClose: () => void }) {
  const { t } = useTranslation();
  const may = useMay();
  const rows: [string[], string][] = [
    [['Ctrl', 'K'], t('app.keys.search')],
    [['/'], t('app.keys.search')],
    [['?'], t('app.keys.help')],
    [['J'], t('app.keys.nextRow')],
    [['K'], t('app.keys.prevRow')],
    [['O'], t('app.keys.openRow')],
    [['X'], t('app.keys.selectRow')],
    [['T'], t('app.keys.table')],
    ...MENU.filter((entry) => !entry.right || may(entry.right)).map((entry): [string[], string] => [
      ['G', entry.key.toUpperCase()],
      t(entry.name),
    ]),
  ];
  return (
    <Modal open title={t('app.keys.title')} footer={null} onCancel={props.onClose} width={420}>
      <dl className="keys">
        {rows.map(([keys, what]) => (
          <div key={keys.join('')}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
