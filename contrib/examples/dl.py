# SPDX-License-Identifier: GPL-2.0-only
import threading, time
accounts_lock = threading.Lock()
audit_lock = threading.Lock()
def transfer():
    with accounts_lock:
        time.sleep(0.2)
        with audit_lock:
            pass
def audit():
    with audit_lock:
        time.sleep(0.2)
        with accounts_lock:
            pass
threading.Thread(target=transfer, name="transfer").start()
threading.Thread(target=audit, name="audit").start()
