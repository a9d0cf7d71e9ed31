import { Tooltip } from 'antd';

/** Who did something, by name; the e-mail address tells two of one name apart. */
export function Who(props: { person?: { name: string; email: string } | null }) {
  const { person } = props;
  if (!person) return null;
  return (
    <Tooltip title={person.email}>
      <span>{person.name}</span>
    </Tooltip>
  );
}
