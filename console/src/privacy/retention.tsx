import { Button, Group, NumberInput, Select, Stack, TagsInput, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, type Schema } from '../api';
import { AskFirst } from '../parts/ask';
import { Part } from '../parts/page';
import { Trouble, Waiting } from '../parts/said';
import { useLanguage } from '../settings';
import { PrivacyPage } from './frame';
import { words } from './words';

type Rule = Schema<'RetentionRule'>;

/** What is deleted by its age. */
export function RetentionPage() {
  const { say, number, day } = useLanguage(words);
  const queries = useQueryClient();
  const told = useQuery({ queryKey: ['retention'], queryFn: () => api.get('/api/v1/retention') });
  const list = told.data?.items ?? [];
  return (
    <PrivacyPage title={say('retention')} about={say('retentionAbout')}>
      <Part title={say('rulesInForce')}>
        {told.error && <Trouble error={told.error} />}
        {told.isPending && <Waiting />}
        {told.data && list.length === 0 && <Text size="sm">{say('retentionNone')}</Text>}
        {list.length > 0 && (
          <div className="scroll">
            <table className="table" style={{ minWidth: 480 }}>
              <thead>
                <tr>
                  <th>{say('name')}</th>
                  <th>{say('what')}</th>
                  <th>{say('olderThan')}</th>
                  <th data-end>{say('deleted')}</th>
                  <th />
                </tr>
              </thead>
              <tbody>
                {list.map((r) => (
                  <tr key={r.name}>
                    <td>{r.name}</td>
                    <td>
                      {r.delete === 'quarantine' ? say('quarantine') : (r.events ?? []).join(', ') || say('everyEvent')}
                      {(r.sources ?? []).length > 0 && ` · ${r.sources?.join(', ')}`}
                    </td>
                    <td>
                      {r.older_than}
                      {r.before && (
                        <Text size="xs" c="dimmed">
                          {day(r.before)}
                        </Text>
                      )}
                    </td>
                    <td data-end>{number(r.deleted)}</td>
                    <td data-end>
                      {!r.config && (
                        <AskFirst
                          size="compact-xs"
                          label={say('endRule')}
                          title={say('endRuleTitle', { name: r.name })}
                          consequence={say('endRuleHelp')}
                          act={() => api.delete('/api/v1/retention/{name}', { path: { name: r.name } })}
                          done={() => void queries.invalidateQueries({ queryKey: ['retention'] })}
                        />
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Part>
      <NewRule />
    </PrivacyPage>
  );
}

/** A rule is previewed before it deletes anything. */
function NewRule() {
  const { say, number, day } = useLanguage(words);
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [what, setWhat] = useState<'events' | 'quarantine'>('events');
  const [events, setEvents] = useState<string[]>([]);
  const [days, setDays] = useState(400);
  const rule: Rule = { name, delete: what, events: what === 'events' ? events : undefined, older_than: `${days}d` };
  const preview = useMutation({ mutationFn: () => api.post('/api/v1/retention/preview', { body: rule }) });
  const p = preview.data;
  const changed = () => preview.reset();
  return (
    <Part title={say('newRule')} about={say('newRuleHelp')}>
      <Stack gap="sm">
        <Group gap="xs" align="flex-end">
          <TextInput
            label={say('name')}
            value={name}
            onChange={(e) => {
              setName(e.currentTarget.value);
              changed();
            }}
            w={180}
          />
          <Select
            label={say('what')}
            data={[
              { value: 'events', label: say('events') },
              { value: 'quarantine', label: say('quarantine') },
            ]}
            value={what}
            onChange={(w) => {
              setWhat(w === 'quarantine' ? 'quarantine' : 'events');
              changed();
            }}
            allowDeselect={false}
            w={170}
          />
          {what === 'events' && (
            <TagsInput
              label={say('eventNames')}
              placeholder={events.length === 0 ? say('everyEvent') : undefined}
              value={events}
              onChange={(e) => {
                setEvents(e);
                changed();
              }}
              style={{ flex: '1 1 220px' }}
            />
          )}
          <NumberInput
            label={say('olderThanDays')}
            min={1}
            max={36500}
            value={days}
            onChange={(d) => {
              setDays(Number(d) || 1);
              changed();
            }}
            w={180}
          />
          <Button variant="default" disabled={!name} loading={preview.isPending} onClick={() => preview.mutate()}>
            {say('preview')}
          </Button>
        </Group>
        {preview.error && <Trouble error={preview.error} />}
        {p && (
          <Group justify="space-between" role="status">
            <Text size="sm">{say('wouldDelete', { count: p.count, total: p.total, before: day(p.before) })}</Text>
            <AskFirst
              label={say('bringIntoForce')}
              title={say('retentionTitle', { name })}
              consequence={say('retentionHelp', { count: number(p.count), by: day(p.purge_by) })}
              act={() => api.put('/api/v1/retention/{name}', { path: { name }, body: rule })}
              done={() => {
                setName('');
                changed();
                void queries.invalidateQueries({ queryKey: ['retention'] });
              }}
            />
          </Group>
        )}
      </Stack>
    </Part>
  );
}
