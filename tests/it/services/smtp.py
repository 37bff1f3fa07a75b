"""A mail server that wants STARTTLS and AUTH before it takes anything.

Arguments: a folder, a port, a certificate, its key. Each mail becomes a file in the folder. Lines of the file
`answers` there are given instead of taking a mail, one each. Ends with its standard input.
"""

import json
import os
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

folder, port, certificate, key = sys.argv[1:5]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)


class Handler:
    taken = 0

    async def handle_DATA(self, server, session, envelope):
        answers = os.path.join(folder, "answers")
        lines = open(answers).read().splitlines() if os.path.exists(answers) else []
        if lines:
            with open(answers, "w") as rest:
                rest.write("\n".join(lines[1:]))
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "data": envelope.content.decode("utf-8", "replace"),
            "encrypted": session.ssl is not None,
            "login": session.authenticated,
            "answer": lines[0] if lines else "250 taken",
        }
        Handler.taken += 1
        name = os.path.join(folder, "mail-%04d.json" % Handler.taken)
        with open(name + ".part", "w") as file:
            json.dump(mail, file)
        os.rename(name + ".part", name)
        return mail["answer"]


def authenticate(server, session, envelope, mechanism, data):
    known = isinstance(data, LoginPassword) and data.login == b"keyward" and data.password == b"opensesame"
    return AuthResult(success=known, handled=False)


class Server(Controller):
    def factory(self):
        return SMTP(
            self.handler,
            tls_context=context,
            require_starttls=True,
            authenticator=authenticate,
            auth_required=True,
            hostname="mail.test",
        )


server = Server(Handler(), hostname="127.0.0.1", port=int(port))
server.start()
print("ready", flush=True)
sys.stdin.read()
server.stop()
