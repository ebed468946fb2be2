# One head of attention for one new token: 128 elements a head, 256 tokens in the cache. Written by hand; each instruction
# waits for tokens of other queues and releases some at its end.   hwsim run examples/attention.asm

layer scores
LD buffer=B channel=8 length=128                                # query; LD is in order: the next token covers it
LD release=MV buffer=A channels=8 length=32768                  # keys
MV wait=LD release=MISC k=8 flags=OUTPUT                        # query x keys
MISC wait=MV release=MV function=SOFTMAX k=16

layer context
LD release=MV buffer=A channels=8 bank=2048 length=32768        # values
MV wait=LD+MISC release=ST k=16 flags=OUTPUT a=2048
ST wait=MV release=SYS channels=8 length=128
SYS wait=ST
