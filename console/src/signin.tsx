import { Button, Center, Group, Paper, PasswordInput, Stack, Title } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from './api';
import { Chosen } from './frame';
import { Trouble } from './parts/said';
import { useLanguage } from './settings';

export function SignIn() {
  const { say } = useLanguage();
  const queries = useQueryClient();
  const [token, setToken] = useState('');
  const enter = useMutation({
    mutationFn: () => api.signIn(token.trim()),
    onSuccess: (who) => queries.setQueryData(['who'], who),
  });
  return (
    <Center component="main" mih="100vh" p="md">
      <Paper withBorder p="lg" w={380} maw="100%">
        <form
          onSubmit={(e) => {
            e.preventDefault();
            enter.mutate();
          }}
        >
          <Stack>
            <Group justify="space-between" wrap="nowrap">
              <Title order={1} size="h3">
                Clientele
              </Title>
              <Group gap={4} wrap="nowrap">
                <Chosen />
              </Group>
            </Group>
            <PasswordInput
              label={say('token')}
              description={say('tokenHelp')}
              value={token}
              onChange={(e) => setToken(e.currentTarget.value)}
              autoComplete="current-password"
              required
              data-autofocus
            />
            {enter.error && <Trouble error={enter.error} />}
            <Button type="submit" loading={enter.isPending}>
              {say('signIn')}
            </Button>
          </Stack>
        </form>
      </Paper>
    </Center>
  );
}
