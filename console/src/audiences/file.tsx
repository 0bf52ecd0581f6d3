import { Alert, Button, Checkbox, FileInput, Group, Select, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { addressed, api, Problem, type Schema } from '../api';
import { Page, Part } from '../parts/page';
import { Trouble } from '../parts/said';
import { useLanguage } from '../settings';
import { Name } from './inputs';
import { words } from './words';

const route = getRouteApi('/audiences/file');

/** An audience of the people whose identifiers are in a file: made when it is new, then its list is changed. */
export function FromFile() {
  const { say, percent } = useLanguage(words);
  const queries = useQueryClient();
  const given = route.useSearch().name;
  const [name, setName] = useState(given ?? '');
  const [file, setFile] = useState<File | null>(null);
  const [namespace, setNamespace] = useState('email');
  const [mode, setMode] = useState('replace');
  const [keep, setKeep] = useState(true);
  const upload = useMutation({
    mutationFn: async () => {
      const at = { name: name.trim() };
      const there = await api.get('/api/v1/audiences/{name}', { path: at }).catch((e) => {
        if (e instanceof Problem && e.status === 404) return undefined;
        throw e;
      });
      if (!there) await api.put('/api/v1/audiences/{name}', { path: at, body: { ...at, kind: 'static' } });
      const path = addressed('/api/v1/audiences/{name}/list', at, { namespace, mode, keep_unmatched: keep });
      const answer = await api.send('POST', path, file ?? '', { 'Content-Type': 'text/csv' });
      return (await answer.json()) as Schema<'AudienceUploaded'>;
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ['audiences'] }),
  });
  const did = upload.data;
  return (
    <Page title={given ? say('edit', { name: given }) : say('fromFile')} about={say('fileHelp')}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          upload.mutate();
        }}
      >
        <Part title={say('upload')}>
          <Stack maw={520}>
            {!given && <Name value={name} set={setName} />}
            <FileInput
              label={say('file')}
              required
              accept=".csv,.txt,.tsv,.jsonl,.gz"
              value={file}
              onChange={setFile}
            />
            <Select
              label={say('namespace')}
              allowDeselect={false}
              data={['email', 'phone', 'user_id', 'anonymous_id', 'loyalty_id']}
              value={namespace}
              onChange={(v) => setNamespace(v ?? 'email')}
            />
            <Select
              label={say('listMode')}
              allowDeselect={false}
              data={(['replace', 'append', 'remove'] as const).map((m) => ({ value: m, label: say(`list_${m}`) }))}
              value={mode}
              onChange={(v) => setMode(v ?? 'replace')}
            />
            <Checkbox label={say('keep')} checked={keep} onChange={(e) => setKeep(e.currentTarget.checked)} />
            {upload.error && <Trouble error={upload.error} />}
            {did && (
              <Alert color="pine" role="status">
                <Text size="sm">
                  {say('uploaded', {
                    matched: did.matched,
                    identifiers: did.identifiers,
                    rate: percent(did.match_rate),
                    members: did.members,
                  })}
                </Text>
              </Alert>
            )}
            <Group>
              <Button type="submit" disabled={!file || !name.trim()} loading={upload.isPending}>
                {say('upload')}
              </Button>
              {did && (
                <Button
                  variant="default"
                  renderRoot={(props) => <Link to="/audiences/of/$name" params={{ name: did.audience }} {...props} />}
                >
                  {say('open')}
                </Button>
              )}
            </Group>
          </Stack>
        </Part>
      </form>
    </Page>
  );
}
