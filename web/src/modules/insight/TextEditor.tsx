import { Alert, Button, Input } from 'antd';
import type { TextAreaRef } from 'antd/es/input/TextArea';
import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { faultText } from './faults';
import { type Fault, marked } from './tree';

/** The place in characters of the whole text, from 0. */
function offsetOf(text: string, fault: Fault): number {
  const lines = text.split('\n').slice(0, (fault.line ?? 1) - 1);
  const [before] = marked(text, fault);
  return lines.reduce((sum, line) => sum + line.length + 1, 0) + before.length;
}

/** The definition as text; what is wrong is told below with its place. */
export function TextEditor(props: {
  value: string;
  fault?: Fault;
  /** Rows that lack a value are not in the text yet. */
  behind?: boolean;
  onChange: (text: string) => void;
  onRest: () => void;
}) {
  const { t } = useTranslation();
  const area = useRef<TextAreaRef>(null);
  const { value, fault } = props;
  const words = fault && faultText(t, fault.message);
  const [before, here, after] = fault?.line ? marked(value, fault) : ['', '', ''];
  const show = () => {
    const box = area.current?.resizableTextArea?.textArea;
    if (!box || !fault) return;
    const place = offsetOf(value, fault);
    box.focus();
    box.setSelectionRange(place, Math.min(value.length, place + here.length));
  };
  return (
    <div className="stack">
      {props.behind ? <Alert type="info" showIcon title={t('insight.audience.textBehind')} /> : null}
      <Input.TextArea
        ref={area}
        className="mono"
        aria-label={t('insight.audience.text')}
        aria-invalid={!!fault}
        aria-describedby="audience-fault"
        status={fault ? 'error' : undefined}
        spellCheck={false}
        autoSize={{ minRows: 8, maxRows: 24 }}
        value={value}
        onChange={(event) => props.onChange(event.target.value)}
        onBlur={props.onRest}
      />
      <div id="audience-fault" aria-live="polite">
        {fault ? (
          <div className="text-fault">
            <p className="bad">
              {fault.line
                ? t('insight.audience.faultAt', { line: fault.line, column: fault.column })
                : t('insight.audience.fault')}{' '}
              <span lang={words === fault.message ? 'en' : undefined}>{words}</span>
            </p>
            {fault.line ? (
              <>
                <pre className="fault-line">
                  {before}
                  <mark>{here}</mark>
                  {after}
                </pre>
                <Button size="small" onClick={show}>
                  {t('insight.audience.toFault')}
                </Button>
              </>
            ) : null}
          </div>
        ) : (
          <p className="quiet">{t('insight.audience.textHint')}</p>
        )}
      </div>
    </div>
  );
}
