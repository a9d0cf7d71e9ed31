import { CloudSyncOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Badge, Button, Popover } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, itemsOf, take } from '@/api/client';
import type { Import } from '@/api/types';
import { usePollMs } from '@/lib/live';
import { useMay } from '@/lib/rights';
import { ACTIVE_STATES, ImportProgress } from '@/ui/ImportProgress';
import { AppLink } from '@/ui/Link';
import { ImportStateMark } from '@/ui/marks';

/** Imports that run now, wherever one is in the program, for those who may import. */
export function WorkUnderWay() {
  return useMay()('commerce.import') ? <Imports /> : null;
}

function Imports() {
  const { t } = useTranslation();
  const poll = usePollMs();
  const [open, setOpen] = useState(false);
  const query = useQuery({
    queryKey: ['imports', 'latest'],
    queryFn: async () =>
      itemsOf<Import>(
        await take(client.GET('/api/v1/commerce/imports', { params: { query: { limit: 20 } } })),
      ),
    refetchInterval: (q) => (q.state.data?.some((one) => ACTIVE_STATES.includes(one.state)) ? poll : 60_000),
  });
  const imports = query.data ?? [];
  const active = imports.filter((one) => ACTIVE_STATES.includes(one.state));
  return (
    <Popover
      trigger="click"
      placement="bottomRight"
      open={open}
      onOpenChange={setOpen}
      title={active.length ? t('app.top.work') : t('app.top.workRecent')}
      content={
        <div className="work">
          {imports.length === 0 ? <p className="quiet">{t('app.top.workNone')}</p> : null}
          {(active.length ? active : imports.slice(0, 3)).map((one) => (
            <AppLink
              key={one.id}
              href={`/imports/${one.id}`}
              className="work-item"
              onClick={() => setOpen(false)}
            >
              <span className="work-name">{one.files[0]?.name ?? one.id}</span>
              <ImportStateMark import={one} />
              {ACTIVE_STATES.includes(one.state) ? <ImportProgress import={one} small /> : null}
            </AppLink>
          ))}
          <AppLink href="/imports" onClick={() => setOpen(false)}>
            {t('app.top.workAll')}
          </AppLink>
        </div>
      }
    >
      <Badge count={active.length} size="small" offset={[-6, 6]}>
        <Button
          type="text"
          icon={<CloudSyncOutlined spin={active.length > 0} />}
          aria-label={`${t('app.top.work')}: ${active.length}`}
        />
      </Badge>
    </Popover>
  );
}
