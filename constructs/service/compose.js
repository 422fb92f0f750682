// Before that, writes anew what has the password in it: only its own value knows
// whether that was done since the last rotation.
const refresh = exports.handler;
exports.handler = async (event) => {
  const store = require('@aws-sdk/client-secrets-manager'), manager = new store.SecretsManagerClient({});
  const read = async (id) => JSON.parse((await manager.send(new store.GetSecretValueCommand({ SecretId: id }))).SecretString);
  const credentials = await read(process.env.SECRET), now = await read(process.env.COMPOSED), fresh = {};
  for (const [key, text] of Object.entries(JSON.parse(process.env.TEMPLATES))) {
    fresh[key] = text.replace(/{secret:(username|password)}/g, (_, name) => credentials[name]);
  }
  if (Object.keys(fresh).some((key) => fresh[key] !== now[key])) {
    console.log('writing anew', process.env.COMPOSED);
    await manager.send(new store.PutSecretValueCommand({ SecretId: process.env.COMPOSED, SecretString: JSON.stringify(fresh) }));
  }
  await refresh(event);
};
