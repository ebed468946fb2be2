// The subset of DSP48E2 that our Verilog uses, after UG579 (UltraScale Architecture DSP Slice): registers by attribute,
// pre-adder, 27 x 18 multiplier, the multiplexers W, X, Y and Z, and the 48-bit adder. Anything else ends the simulation.
// Written for the tests, from the manual alone; names of ports and attributes are the manual's.
/* verilator lint_off UNUSEDSIGNAL */
/* verilator lint_off UNUSEDPARAM */
/* verilator lint_off UNOPTFLAT */
/* verilator lint_off DECLFILENAME */
/* verilator lint_off MULTITOP */
module DSP48E2 #(
  parameter integer ACASCREG = 1, AREG = 1, DREG = 1, ADREG = 1, BCASCREG = 1, BREG = 1, CREG = 1, MREG = 1, PREG = 1,
  parameter integer INMODEREG = 1, OPMODEREG = 1, ALUMODEREG = 1, CARRYINREG = 1, CARRYINSELREG = 1,
  parameter AMULTSEL = "A", BMULTSEL = "B", PREADDINSEL = "A", USE_MULT = "MULTIPLY",
  parameter [47:0] RND = 48'h0
) (
  input CLK,
  input [29:0] A, input [17:0] B, input [47:0] C, input [26:0] D, input [47:0] PCIN,
  input [8:0] OPMODE, input [4:0] INMODE, input [3:0] ALUMODE, input CARRYIN, input [2:0] CARRYINSEL,
  input CEA1, CEA2, CEAD, CEALUMODE, CEB1, CEB2, CEC, CECARRYIN, CECTRL, CED, CEINMODE, CEM, CEP,
  input RSTA, RSTALLCARRYIN, RSTALUMODE, RSTB, RSTC, RSTCTRL, RSTD, RSTINMODE, RSTM, RSTP,
  output [47:0] P, PCOUT
);
  // Table 2-2 and figure 2-4: with one register, the second one of the path is used.
  wire [29:0] a1, a2;
  dsp_register #(30, AREG == 2) r_a1 (CLK, CEA1, RSTA, A, a1);
  dsp_register #(30, AREG != 0) r_a2 (CLK, CEA2, RSTA, a1, a2);
  wire [17:0] b1, b2;
  dsp_register #(18, BREG == 2) r_b1 (CLK, CEB1, RSTB, B, b1);
  dsp_register #(18, BREG != 0) r_b2 (CLK, CEB2, RSTB, b1, b2);
  wire [26:0] d;
  dsp_register #(27, DREG != 0) r_d (CLK, CED, RSTD, D, d);
  wire [47:0] c;
  dsp_register #(48, CREG != 0) r_c (CLK, CEC, RSTC, C, c);
  wire [4:0] inmode;
  dsp_register #(5, INMODEREG != 0) r_inmode (CLK, CEINMODE, RSTINMODE, INMODE, inmode);
  wire [8:0] opmode;
  dsp_register #(9, OPMODEREG != 0) r_opmode (CLK, CECTRL, RSTCTRL, OPMODE, opmode);
  wire [3:0] alumode;
  dsp_register #(4, ALUMODEREG != 0) r_alumode (CLK, CEALUMODE, RSTALUMODE, ALUMODE, alumode);
  wire carry;
  dsp_register #(1, CARRYINREG != 0) r_carry (CLK, CECARRYIN, RSTALLCARRYIN, CARRYIN, carry);

  // Table 2-3: INMODE[0] takes A1 in place of A2, [1] gates A, [2] lets D through, [3] subtracts, [4] takes B1.
  wire [26:0] a_in = inmode[1] ? 27'd0 : inmode[0] ? a1[26:0] : a2[26:0];
  wire [26:0] d_in = inmode[2] ? d : 27'd0;
  wire [26:0] ad;
  dsp_register #(27, ADREG != 0) r_ad (CLK, CEAD, RSTD, inmode[3] ? d_in - a_in : d_in + a_in, ad);

  wire [26:0] factor = AMULTSEL == "AD" ? ad : a_in;
  wire [17:0] b = inmode[4] ? b1 : b2;
  wire [44:0] product;
  dsp_register #(45, MREG != 0) r_m (CLK, CEM, RSTM, 45'($signed(factor)) * 45'($signed(b)), product);
  wire [47:0] m = {{3{product[44]}}, product};

  // Tables 2-4 to 2-7. X and Y hold the two halves of the product; both must be chosen, and their sum is the product.
  wire [47:0] x = opmode[1:0] == 2'b01 ? m : 48'd0;
  wire [47:0] y = opmode[3:2] == 2'b11 ? c : 48'd0;
  wire [47:0] z = opmode[6:4] == 3'b001 ? PCIN : opmode[6:4] == 3'b011 ? c : 48'd0;
  wire [47:0] w = opmode[8:7] == 2'b10 ? RND : opmode[8:7] == 2'b11 ? c : 48'd0;
  dsp_register #(48, PREG != 0) r_p (CLK, CEP, RSTP, z + w + x + y + {47'd0, carry}, P);
  assign PCOUT = P;

  // Power-on: OPMODE is 0 until its register is filled.
  wire mode_known = opmode == 9'd0 || ((opmode[1:0] == 2'b01) == (opmode[3:2] == 2'b01) && opmode[1:0] != 2'b10
    && opmode[1:0] != 2'b11 && opmode[3:2] != 2'b10 && (opmode[6:4] == 3'b000 || opmode[6:4] == 3'b001
    || opmode[6:4] == 3'b011) && opmode[8:7] != 2'b01);
  always @(posedge CLK)
    if (!mode_known || alumode != 4'd0 || CARRYINSEL != 3'd0) begin
      $display("DSP48E2: a mode that the model lacks: OPMODE %b ALUMODE %b CARRYINSEL %b", opmode, alumode, CARRYINSEL);
      $fatal;
    end
  initial
    if ((AMULTSEL != "AD" && AMULTSEL != "A") || BMULTSEL != "B" || PREADDINSEL != "A" || USE_MULT != "MULTIPLY"
        || AREG > 2 || BREG > 2 || ACASCREG > AREG || BCASCREG > BREG || (AREG == 2 && ACASCREG == 0)
        || (BREG == 2 && BCASCREG == 0) || (AREG < 2 && ACASCREG != AREG) || (BREG < 2 && BCASCREG != BREG)) begin
      $display("DSP48E2: attributes that the model lacks or the manual forbids");
      $fatal;
    end
endmodule

// A register with enable and synchronous reset, or a wire.
module dsp_register #(parameter integer WIDTH = 1, parameter THERE = 1) (
  input CLK, CE, RST, input [WIDTH-1:0] D, output [WIDTH-1:0] Q
);
  generate
    if (THERE) begin : held
      reg [WIDTH-1:0] value = 0;
      always @(posedge CLK)
        if (RST) value <= 0;
        else if (CE) value <= D;
      assign Q = value;
    end else begin : wired
      assign Q = D;
    end
  endgenerate
endmodule
