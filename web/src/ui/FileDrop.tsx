import { InboxOutlined } from '@ant-design/icons';
import { type ReactNode, useRef, useState } from 'react';

/** Where files are dropped or chosen. */
export function FileDrop(props: {
  title: ReactNode;
  text: ReactNode;
  /** Said of the field itself. */
  label: string;
  /** Endings, as a file field takes them. */
  accept: string;
  multiple?: boolean;
  disabled?: boolean;
  onFiles: (files: File[]) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  return (
    <>
      <button
        type="button"
        className={over ? 'drop is-over' : 'drop'}
        disabled={props.disabled}
        onClick={() => input.current?.click()}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          props.onFiles([...event.dataTransfer.files]);
        }}
      >
        <InboxOutlined className="drop-icon" aria-hidden="true" />
        <span className="drop-title">{props.title}</span>
        <span className="quiet">{props.text}</span>
      </button>
      <input
        ref={input}
        type="file"
        multiple={props.multiple}
        accept={props.accept}
        className="sr-only"
        tabIndex={-1}
        aria-label={props.label}
        onChange={(event) => {
          props.onFiles([...(event.target.files ?? [])]);
          event.target.value = '';
        }}
      />
    </>
  );
}
