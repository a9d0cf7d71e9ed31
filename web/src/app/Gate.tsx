import { GlobalOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { type ReactNode, useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { chooseLanguage } from '@/lib/language';
import { langStore, usePref } from '@/lib/prefs';

/** The page before the house: name, one form, the language. */
export function Gate(props: { title: string; lead: string; children: ReactNode }) {
  const { t } = useTranslation();
  const [lang] = usePref(langStore);
  useEffect(() => {
    document.title = `${props.title} · ${t('ui.product')}`;
  }, [props.title, t]);
  return (
    <div className="gate">
      <main className="gate-box">
        <div className="gate-brand">
          <img src="/favicon.svg" alt="" width={28} height={28} />
          <span>{t('ui.product')}</span>
        </div>
        <h1>{props.title}</h1>
        <p className="gate-lead">{props.lead}</p>
        {props.children}
      </main>
      <footer className="gate-foot">
        <Button
          type="text"
          icon={<GlobalOutlined />}
          lang={lang === 'zh-CN' ? 'en' : 'zh-CN'}
          onClick={() => void chooseLanguage(lang === 'zh-CN' ? 'en-US' : 'zh-CN')}
        >
          {lang === 'zh-CN' ? 'English' : '\u4e2d\u6587'}
        </Button>
      </footer>
    </div>
  );
}
