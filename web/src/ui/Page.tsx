import { type ReactNode, useEffect } from 'react';
import { useTranslation } from 'react-i18next';

/** Head and body of a page; also names the browser's tab. */
export function Page(props: {
  title: string;
  heading?: ReactNode;
  note?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  narrow?: boolean;
}) {
  const { t } = useTranslation();
  useEffect(() => {
    document.title = `${props.title} · ${t('ui.product')}`;
  }, [props.title, t]);
  return (
    <div className={props.narrow ? 'page page-narrow' : 'page'}>
      <header className="page-head">
        <div className="page-name">
          <h1>{props.heading ?? props.title}</h1>
          {props.note ? <div className="page-note">{props.note}</div> : null}
        </div>
        {props.actions ? <div className="page-actions">{props.actions}</div> : null}
      </header>
      {props.children}
    </div>
  );
}

/** A titled area of a page. */
export function Panel(props: {
  title?: ReactNode;
  extra?: ReactNode;
  children: ReactNode;
  flush?: boolean;
  className?: string;
}) {
  return (
    <section
      className={`panel${props.flush ? ' panel-flush' : ''}${props.className ? ` ${props.className}` : ''}`}
    >
      {props.title || props.extra ? (
        <header className="panel-head">
          <h2>{props.title}</h2>
          {props.extra ? <div className="panel-extra">{props.extra}</div> : null}
        </header>
      ) : null}
      <div className="panel-body">{props.children}</div>
    </section>
  );
}

/** Facts as pairs of name and value. */
export function Facts(props: { items: [name: ReactNode, value: ReactNode][]; columns?: boolean }) {
  return (
    <dl className={props.columns ? 'facts facts-columns' : 'facts'}>
      {props.items.map(([name, value], index) => (
        <div key={index} className="fact">
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
