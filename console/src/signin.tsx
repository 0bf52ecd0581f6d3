import { Button, Center, Group, Paper, PasswordInput, Stack, TextInput, Title } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from './api';
import { Chosen } from './frame';
import { Trouble } from './parts/said';
import { useLanguage } from './settings';

export function SignIn() {
  const { say } = useLanguage();
  const queries = useQueryClient();
  const [byToken, setByToken] = useState(false);
  const [user, setUser] = useState('');
  const [secret, setSecret] = useState('');
  const enter = useMutation({
    mutationFn: () => api.signIn(byToken ? { token: secret.trim() } : { user: user.trim(), password: secret }),
    onSuccess: (who) => queries.setQueryData(['who'], who),
  });
  const change = () => {
    setByToken(!byToken);
    setSecret('');
    enter.reset();
  };
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
            {!byToken && (
              <TextInput
                label={say('userName')}
                value={user}
                onChange={(e) => setUser(e.currentTarget.value)}
                autoComplete="username"
                autoCapitalize="none"
                spellCheck={false}
                required
                data-autofocus
              />
            )}
            <PasswordInput
              key={byToken ? 'token' : 'password'}
              label={say(byToken ? 'token' : 'password')}
              description={byToken ? say('tokenHelp') : undefined}
              value={secret}
              onChange={(e) => setSecret(e.currentTarget.value)}
              autoComplete={byToken ? 'off' : 'current-password'}
              visibilityToggleButtonProps={{ 'aria-label': say('showSecret') }}
              required
            />
            {enter.error && <Trouble error={enter.error} />}
            <Button type="submit" loading={enter.isPending}>
              {say('signIn')}
            </Button>
            <Button variant="subtle" color="gray" onClick={change} data-other-way>
              {say(byToken ? 'byPassword' : 'byToken')}
            </Button>
          </Stack>
        </form>
      </Paper>
    </Center>
  );
}
